"""Do the outputs stored in a notebook belong to the current source?

`make outputs` stores a fingerprint in the notebook's metadata: a SHA-256 of its code cells and one
of the code of `helpers`, all that a notebook can import. A test compares it with the fingerprint of
the source as it is.
"""

import hashlib
import io
import tokenize

SPACE = {tokenize.INDENT, tokenize.DEDENT, tokenize.NL, tokenize.ENDMARKER}


def fingerprint(notebook, root):
    """Digests of all code that the outputs of a notebook come from.

    Parameters
    ----------
    notebook : nbformat.NotebookNode
    root : pathlib.Path
        The folder that holds `helpers/`.

    Returns
    -------
    dict
        SHA-256 by `"code cells"` and `"helpers"`.
    """
    cells = [cell.source for cell in notebook.cells if cell.cell_type == "code"]
    modules = {
        path.relative_to(root).as_posix(): code_text(path.read_text(encoding="utf-8"))
        for path in sorted((root / "helpers").rglob("*.py"))
        if path.stem.isidentifier()  # unlike Jupyter's …-checkpoint.py
    }
    return {"code cells": _sha256(cells), "helpers": _sha256([*modules, *modules.values()])}


def changed(stored, current):
    """What is not the same in two fingerprints."""
    return [name for name in current if stored.get(name) != current[name]]


def code_text(source):
    """Python source without comments, docstrings and the blank lines between statements.

    It is the text that is kept, statement by statement, since what `ast.unparse` and the tokens of
    f-strings look like differs between versions of Python.
    """
    lines = source.splitlines(keepends=True)
    starts = [0]
    for line in lines:
        starts.append(starts[-1] + len(line))
    statements, tokens = [], []
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.NEWLINE:
            if any(part.type not in (tokenize.STRING, tokenize.COMMENT) for part in tokens):
                statements.append(_without_comments(source, starts, tokens))
            tokens = []
        elif token.type not in SPACE and (tokens or token.type != tokenize.COMMENT):
            tokens.append(token)
    return "\n".join(statements)


def _without_comments(source, starts, tokens):
    """The text of a statement from its indentation to its last token."""

    def place(row, column):
        return starts[row - 1] + column

    text, end = "", place(tokens[0].start[0], 0)
    for token in tokens:
        if token.type == tokenize.COMMENT:
            text += source[end : place(*token.start)].rstrip()
        else:
            text += source[end : place(*token.end)]
        end = place(*token.end)
    return text


def _sha256(texts):
    return hashlib.sha256("\0".join(texts).encode()).hexdigest()
