"""Lists the licences of what is installed in environments, as Markdown.

    python docs/licences.py .venv .venv-classic > docs/licences.md

`make licences` does so, with pip-licenses.
"""

import json
import re
import subprocess
import sys

# Those that ask for little more than to be named.
PERMISSIVE = re.compile("Apache|BSD|MIT|PSF|Python Software")
COPYLEFT = re.compile("GPL|MPL|Mozilla")

HEAD = """\
# Licences

unpg_tf is under the Apache License 2.0. Its wheel brings no other's code; `pip`
installs what `setup.cfg` asks for. Here are the licences of all of it, extras
and tools of development included, as the packages state them; written by
`make licences`. Copyleft, not stated, or of another kind than Apache, BSD, MIT
and PSF:
"""


def main(environments):
    """Prints the packages to look at, and a table of all."""
    licences = {}
    for environment in environments:
        licences.update(_licences(environment))
    names = sorted(licences, key=str.lower)
    print(HEAD)
    for name in names:
        licence = licences[name]
        if COPYLEFT.search(licence) or not PERMISSIVE.search(licence):
            print(f"- {name}: {licence}")
    print("\n| package | licence |\n|---|---|")
    for name in names:
        print(f"| {name} | {licences[name]} |")


def _licences(environment):
    arguments = ["--format=json", "--from=mixed", "--ignore-packages=unpg-tf"]
    python = f"--python={environment}/bin/python"
    found = subprocess.run(
        ["pip-licenses", python, *arguments], capture_output=True, check=True
    )
    for package in json.loads(found.stdout):
        # Some state the whole text.
        licence = package["License"].splitlines()[0]
        yield package["Name"], licence.replace("UNKNOWN", "not stated")


if __name__ == "__main__":
    main(sys.argv[1:])
