"""What `unpg` and `unpg PROGRAM --help` print."""

import textwrap

WIDTH = 80


def overview(programs):
    """The text of `unpg`.

    Args:
        programs: dict of names to one line each.
    """
    lines = [f"    {name:<16}{text}" for name, text in programs.items()]
    return "\n".join(
        [
            "Face recognition with margin heads and unified negative pairs "
            "(UNPG).",
            "",
            "    unpg PROGRAM [--FLAG=VALUE ...]",
            "",
            *lines,
            "",
            "unpg PROGRAM --help has examples and all flags. "
            "unpg --version: the version.",
        ]
    )


def of_program(name, module):
    """The text of `unpg NAME --help`.

    Args:
        name: string.
        module: the module of its flags, with `FLAGS` and `FIRST`.
    """
    shown = set(module.FIRST)
    first = [module.FLAGS[flag] for flag in module.FIRST]
    rest = len(module.FLAGS) - len(shown)
    title = "Flags" if not rest else "The flags that matter first"
    parts = [module.__doc__.strip(), _section(title, first)]
    for topic, found in module.FLAGS.flags_by_module_dict().items():
        others = [flag for flag in found if flag.name not in shown]
        if others:
            parts.append(_section(topic, others))
    parts.append("--flagfile=FILE reads flags from a file, one a line.")
    return "\n\n".join(parts)


def _section(title, found):
    return "\n".join([f"{title}:", *map(_flag, found)])


def _flag(flag):
    name = f"--[no]{flag.name}" if flag.boolean else f"--{flag.name}"
    if flag.default not in (None, []):
        name += f" (default: {flag.default_as_str.strip(chr(39))})"
    # absl says of a flag that may be repeated that it may, after these.
    text = flag.help.partition(";\n")[0]
    if names := getattr(flag.parser, "names", []):
        text += f" One of: {', '.join(names)}."
    text = textwrap.fill(
        text,
        WIDTH,
        initial_indent=" " * 6,
        subsequent_indent=" " * 6,
        break_on_hyphens=False,
    )
    return f"  {name}\n{text}"
