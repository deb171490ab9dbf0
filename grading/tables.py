"""CSV that a spreadsheet opens: nothing in it is run as a formula, and no file is half written."""

import csv
import io
import os
import re
from pathlib import Path

FORMULA = re.compile(r"[=+\-@\t\r]")
NUMBER = re.compile(r"[+-]?[\d.,]+(e[+-]?\d+)?", re.IGNORECASE)


def harmless(value):
    """A text that a spreadsheet takes for a text: what begins like a formula gets an apostrophe."""
    if isinstance(value, str) and FORMULA.match(value) and not NUMBER.fullmatch(value):
        return f"'{value}"
    return value


def as_written(value):
    """A text without the apostrophe of `harmless`."""
    return value[1:] if value.startswith("'") and FORMULA.match(value[1:]) else value


def write_csv(path, rows, columns):
    """Write rows (dictionaries) as CSV with these columns; what is missing or None is empty."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerows([columns, *([_cell(row.get(name)) for name in columns] for row in rows)])
    write_text(path, text.getvalue())


def read_csv(path):
    """The rows of a CSV, whichever of the usual separators and encodings it has.

    Returns
    -------
    names : list of str
        Of its columns.
    rows : list of list of str
        As long as `names`, at least.
    how : dict
        `encoding`, and what `csv.writer` needs to write it alike.
    """
    data = Path(path).read_bytes()
    encoding = "utf-8-sig" if data.startswith(b"\xef\xbb\xbf") else "utf-8"
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError:  # as Excel on Windows saves it
        encoding = "cp1252"
        text = data.decode(encoding, "replace")
    head = text.split("\n", 1)[0]
    delimiter = max(",;\t", key=head.count)
    names, *rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)) or [[]]
    rows = [row + [""] * (len(names) - len(row)) for row in rows if row]
    ends = "\r\n" if "\r\n" in text else "\n"
    return names, rows, {"encoding": encoding, "delimiter": delimiter, "lineterminator": ends}


def write_text(path, text, encoding="utf-8"):
    """Replace a file in one step, in a folder that is made if need be."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.tmp")
    with open(temporary, "w", encoding=encoding, errors="replace", newline="") as stream:
        stream.write(text)
    os.replace(temporary, path)


def _cell(value):
    if value is None:
        return ""
    return number(value) if isinstance(value, int | float) else harmless(str(value))


def number(value):
    """Points as a person writes them: 1, not 1.0."""
    return f"{value:g}"
