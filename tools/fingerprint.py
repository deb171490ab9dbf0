"""Do the outputs stored in a notebook belong to the current source?

A fingerprint has one SHA-256 for the notebook's code cells and one for each module of `helpers`
that they depend on. `make outputs` stores it in the notebook's metadata, a test compares it with
the fingerprint of the source as it is.
"""

import ast
import hashlib
import io
import re
import tokenize

from IPython.core.inputtransformer2 import TransformerManager

CODE_CELLS = "code cells"
PACKAGE = "helpers"


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
        SHA-256 by `"code cells"` and by name of module, in the order of the names.
    """
    sources = [cell.source for cell in notebook.cells if cell.cell_type == "code"]
    digests = {CODE_CELLS: _sha256("\0".join(sources))}
    for module in sorted(_dependencies(sources, root)):
        text = _path(module, root).read_text(encoding="utf-8")
        digests[module] = _sha256(code_text(text))
    return digests


def differences(stored, current):
    """What is not the same in two fingerprints, one line for each digest."""
    return [
        f"{name} {'changed' if name in stored and name in current else 'is new'}"
        if name in current
        else f"{name} is no longer used"
        for name in {**stored, **current}
        if stored.get(name) != current.get(name)
    ]


def code_text(source):
    """Python source without its comments, docstrings, blank lines and trailing whitespace.

    All other characters are kept as they are, those inside of strings too. It works on the text,
    since what `ast.dump` and `ast.unparse` give differs between versions of Python.
    """
    docstrings = _docstrings(source)
    comments, inside_string = [], set()
    opened = []
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        kind = tokenize.tok_name[token.type]
        if kind == "COMMENT":
            comments.append((token.start, token.end))
        elif kind.endswith("STRING_START"):  # f-strings are tokens in parts since Python 3.12
            opened.append(token.start)
        elif kind == "STRING" or kind.endswith("STRING_END"):
            start = token.start if kind == "STRING" else opened.pop()
            if not any(first <= start < last for first, last in docstrings):
                inside_string.update(range(start[0], token.end[0]))

    lines = source.split("\n")
    for (first, start), (last, end) in sorted(docstrings + comments, reverse=True):
        tail = lines[last - 1][end:]
        lines[first - 1 : last] = [lines[first - 1][:start]] + [""] * (last - first)
        lines[last - 1] += tail
    kept = [
        line if row in inside_string else line.rstrip()
        for row, line in enumerate(lines, start=1)
        if row in inside_string or line.strip()
    ]
    return "\n".join(kept)


def _docstrings(source):
    """Start and end of every docstring, as pairs (row from 1, column from 0) like tokens'."""
    lines = source.split("\n")

    def column(row, num_bytes):  # ast counts in bytes, tokenize in characters
        return len(lines[row - 1].encode()[:num_bytes].decode())

    spans = []
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        if ast.get_docstring(node, clean=False) is not None:
            text = node.body[0].value
            start = text.lineno, column(text.lineno, text.col_offset)
            end = text.end_lineno, column(text.end_lineno, text.end_col_offset)
            spans.append((start, end))
    return spans


def _dependencies(sources, root):
    """Names of the modules of `helpers` that code cells import, and of those that these import."""
    todo = set()
    for source in sources:
        todo |= _imports(_without_magics(source), "", root)
    found = set()
    while todo:
        module = todo.pop()
        found.add(module)
        path = _path(module, root)
        package = module if path.name == "__init__.py" else module.rpartition(".")[0]
        todo |= _imports(path.read_text(encoding="utf-8"), package, root) - found
    return found


def _imports(source, package, root):
    """Names of the modules of `helpers` that the source of a module in `package` names."""
    names = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                parents = package.split(".")[: len(package.split(".")) - node.level + 1]
                base = ".".join([*parents, *filter(None, [node.module])])
            # What is imported from a package may be a module of it.
            names.update([base, *(f"{base}.{alias.name}" for alias in node.names)])
        elif isinstance(node, ast.Constant) and re.fullmatch(r"[\w.]+", str(node.value)):
            # The way to import by name: importlib.import_module(f"helpers.engines.{engine}")
            names.add(str(node.value).strip("."))
    return set().union(*(_modules(name, root) for name in names))


def _modules(name, root):
    """The modules that importing `name` runs, as far as they belong to `helpers`."""
    parts = name.split(".")
    if parts[0] != PACKAGE:
        return set()
    modules = set()
    for length in range(1, len(parts) + 1):
        module = ".".join(parts[:length])
        path = _path(module, root)
        if path is None:  # a function, say, or a word in a string
            break
        modules.add(module)
        if length > 1 and path.name == "__init__.py":
            # A package inside of helpers, such as the engines, chooses among its modules by name.
            modules.update(
                ".".join(file.relative_to(root).with_suffix("").parts).removesuffix(".__init__")
                for file in path.parent.rglob("*.py")
                if file.stem.isidentifier()  # unlike Jupyter's …-checkpoint.py
            )
    return modules


def _path(module, root):
    """The file of a module, or None if there is no such module."""
    path = root.joinpath(*module.split("."))
    for candidate in (path / "__init__.py", path.with_suffix(".py")):
        if candidate.is_file():
            return candidate
    return None


def _without_magics(source):
    """Plain Python for a cell; below a cell magic such as %%time stands Python all the same."""
    return TransformerManager().transform_cell(re.sub(r"\A%%.*", "", source))


def _sha256(text):
    return hashlib.sha256(text.encode()).hexdigest()
