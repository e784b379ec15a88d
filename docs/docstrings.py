"""The package as griffe reads it for the site's reference.

Griffe knows Google's sections. Keras' "Call arguments" isn't one of them, the
package's examples stand at the left edge, as Keras' do, and a function may
have the name of its module.
"""

import re
import textwrap

import griffe

_NAMED = re.compile(r"^    (\w+: )", re.MULTILINE)


class House(griffe.Extension):
    """Puts docstrings and names into the form that griffe expects."""

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

    def on_package(self, *, pkg, **kwargs):
        """Finds the function where its module has the same name."""
        del kwargs
        for module in pkg.modules.values():
            for name in map(str, module.exports or ()):
                found = module.members[name]
                if found.is_module and name in found.members:
                    found = found.members[name]
                    self.on_object(obj=found)
                    alias = griffe.Alias(name, found, parent=module)
                    module.members[name] = alias


def rewritten(docstring):
    """Moves what belongs to a section into it.

    Args:
        docstring: string, without its common indentation.

    Returns:
        String.
    """
    # With a colon it would be a box.
    docstring = docstring.replace("\nSource: ", "\n**Source** ")
    text, heading, after = f"\n{docstring}".partition("\nExample:\n")
    text = text[1:].replace(
        "Call arguments:\n", "Other Parameters: Call arguments\n"
    )
    before, returns, rest = text.partition("\nReturns:\n")
    if returns:
        values, *others = rest.split("\n\n", 1)
        values = _NAMED.sub(r"    * \1", values)
        text = "".join([before, returns, values, *(f"\n\n{x}" for x in others)])
    if not heading:
        return text
    example, rest = _example(after)
    return f"{text}\nExamples:\n{example}\n\n{rest}"


def _example(text):
    """The example that a text starts with, as a section, and the rest."""
    paragraphs = text.split("\n\n")
    own = [part for part in paragraphs if part.startswith((" ", ">>>", "\n"))]
    own = paragraphs[: len(own)]
    code = textwrap.dedent("\n\n".join(own)).strip("\n")
    if ">>>" not in code:
        code = f"```python\n{code}\n```"
    return textwrap.indent(code, "    "), "\n\n".join(paragraphs[len(own) :])
