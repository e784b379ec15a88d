"""Docstrings, as griffe reads them for the site's reference.

Griffe knows Google's sections. Keras' "Call arguments" isn't one of them, and
the package's examples stand at the left edge, as Keras' do.
"""

import textwrap

import griffe


class HouseDocstrings(griffe.Extension):
    """Rewrites docstrings; leaves out methods that refer to another's."""

    def on_object(self, *, obj, **kwargs):
        """Rewrites the docstring of what has one."""
        del kwargs
        if obj.docstring is not None:
            obj.docstring.value = rewritten(obj.docstring.value)

    def on_class_members(self, *, cls, **kwargs):
        """Leaves out what says no more than "See `Base.method`"."""
        del kwargs
        for name, member in list(cls.members.items()):
            if member.docstring and member.docstring.value.startswith("See `"):
                cls.del_member(name)


def rewritten(docstring):
    """Moves what belongs to a section into it.

    Args:
        docstring: string, without its common indentation.

    Returns:
        String.
    """
    before, heading, after = f"\n{docstring}".partition("\nExample:\n")
    before = before[1:].replace(
        "Call arguments:\n", "Other Parameters: Call arguments\n"
    )
    if not heading:
        return before
    example, rest = _example(after)
    return f"{before}\nExamples:\n{example}\n\n{rest}"


def _example(text):
    """The example that a text starts with, as a section, and the rest."""
    paragraphs = text.split("\n\n")
    own = [part for part in paragraphs if part.startswith((" ", ">>>", "\n"))]
    own = paragraphs[: len(own)]
    code = textwrap.dedent("\n\n".join(own)).strip("\n")
    if ">>>" not in code:
        code = f"```python\n{code}\n```"
    return textwrap.indent(code, "    "), "\n\n".join(paragraphs[len(own) :])
