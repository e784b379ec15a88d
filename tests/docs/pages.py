"""The pages of the documentation, and the code blocks in them."""

import re
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).absolute().parents[2]
_BLOCK = re.compile(
    r"^```(?P<language>\w*)\n(?P<code>.*?)^```$"
    r"|^<!-- test\n(?P<set_up>.*?)^-->$",
    re.MULTILINE | re.DOTALL,
)


class Block(NamedTuple):
    """A code block.

    Attributes:
        language: string, as after the fence; "set-up" for what an HTML
            comment `<!-- test … -->` runs before the next block.
        code: string.
        line: integer, of the first line of the code in its page.
    """

    language: str
    code: str
    line: int


def pages():
    """Paths, relative to the root, of all pages that people have written."""
    found = [*ROOT.glob("*.md"), *ROOT.glob("saved_models/*.md")]
    found += [*ROOT.glob("docs/*.md"), *ROOT.glob("docs/*/*.md")]
    return sorted(str(path.relative_to(ROOT)) for path in found)


def text(page):
    """The text of a page."""
    return (ROOT / page).read_text(encoding="utf-8")


def blocks(page, *languages):
    """The blocks of a page that are in one of some languages."""
    contents = text(page)
    found = []
    for match in _BLOCK.finditer(contents):
        is_code = match["language"] is not None
        language = match["language"] if is_code else "set-up"
        start = match.start("code" if is_code else "set_up")
        if language in languages:
            code = match["code"] if is_code else match["set_up"]
            line = contents.count("\n", 0, start) + 1
            found.append(Block(language, code, line))
    return found
