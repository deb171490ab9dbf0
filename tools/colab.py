"""The versions that Colab has: `python -m tools.colab`, behind `make versions`.

Renews `tests/colab/versions.txt` from the list that Colab publishes, for the packages it names.
"""

import re
import sys
from pathlib import Path
from urllib.request import urlopen

VERSIONS = Path(__file__).resolve().parent.parent / "tests" / "colab" / "versions.txt"
PUBLISHED = "https://raw.githubusercontent.com/googlecolab/backend-info/main/pip-freeze.txt"


def renewed(text, published):
    """The lines `name==version` of a text with the versions of a published list.

    Parameters
    ----------
    text, published : str
        As `pip freeze` prints them. Colab's torch comes as an address with the version in it.

    Returns
    -------
    str
        Comments stay as they are.

    Raises
    ------
    LookupError
        Colab has a package no longer: the name.
    """
    found = re.findall(r"^([\w.-]+)(?:==| @ \S+/\1-)([\d.]+\w*)", published, re.MULTILINE)
    versions = {name.lower(): version.rstrip(".") for name, version in found}

    def line(match):
        if match[1].lower() not in versions:
            raise LookupError(f"{match[1]} is not in Colab's list any more: remove it")
        return f"{match[1]}=={versions[match[1].lower()]}"

    return re.sub(r"^([\w-]+)==.*$", line, text, flags=re.MULTILINE)


def main():
    with urlopen(PUBLISHED, timeout=60) as answer:
        published = answer.read().decode("utf-8")
    text = renewed(VERSIONS.read_text(encoding="utf-8"), published)
    VERSIONS.write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    sys.exit(main())
