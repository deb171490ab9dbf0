"""Results that are kept on disk, because they take long and always come out the same.

They lie under `data/study`, or in the folder named by the environment variable STUDY_CACHE. The
folder may be deleted at any time, and one that cannot be used costs time but no result.
"""

import ast
import hashlib
import importlib.metadata
import os
import platform
import tempfile
import warnings
from pathlib import Path

import cloudpickle
import joblib
import numpy as np

HELPERS = Path(__file__).resolve().parent.parent
PARTS = (".", "engines", "support")
PACKAGES = ("numpy", "scipy", "numba", "torch", "tensorflow")


def cached(*arrays, function, settings, key):
    """`function(*arrays, **settings)`, computed only if it is not on disk yet.

    It is kept for the same function, settings and key, the same code of `helpers` (comments and
    docstrings apart) and the same versions of the packages that compute.

    Parameters
    ----------
    arrays
        Passed on. They are not looked at: what tells them apart belongs into the key, such as
        `digests` of them, made once for many calls.
    function : callable
        By its name, a public or private function of a module.
    settings : dict
        Passed on; a function among them counts by what it does, not by its name.
    key
        Whatever else the result depends on.
    """
    counted = {name: _comparable(value) for name, value in settings.items()}
    name = joblib.hash([CODE, function.__module__, function.__qualname__, counted, key])
    folder = Path(os.environ.get("STUDY_CACHE") or HELPERS.parent / "data" / "study")
    path = folder / f"{function.__name__.strip('_')}-{name}.pkl"
    kept = _read(path, name)
    if kept is not None:
        return kept[1]
    result = function(*arrays, **settings)
    _write(path, (name, result))
    return result


def digests(*arrays):
    """What tells arrays apart: a digest of each, by content, dtype, shape and layout."""
    return [joblib.hash(array, "sha1") for array in arrays]


def _comparable(value):
    if callable(value):
        # cloudpickle takes a function of a module by its name, and the module can be edited.
        code = getattr(getattr(value, "func", value), "__code__", None)
        return cloudpickle.dumps((value, code and (code.co_code, code.co_consts, code.co_names)))
    return value.item() if isinstance(value, np.generic) else value


def _read(path, name):
    """What `_write` wrote there under this name, or None."""
    try:
        if not path.is_file():
            return None
        entry = joblib.load(path)
        if isinstance(entry, tuple) and len(entry) == 2 and entry[0] == name:
            return entry
        problem = f"{path.name} holds something else"
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # a damaged pickle can raise anything, SystemExit too
        problem = f"{path.name} cannot be read ({type(error).__name__})"
    _warn(path.parent, problem)
    return None


def _write(path, entry):
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        # Moved into its place once it is complete: no other process, and no later one, sees a half.
        with tempfile.TemporaryDirectory(
            dir=path.parent, prefix=".", ignore_cleanup_errors=True
        ) as folder:
            joblib.dump(entry, Path(folder) / path.name)
            os.replace(Path(folder) / path.name, path)
    except OSError as error:
        _warn(path.parent, str(error))


def _warn(folder, problem):
    if folder not in _warned:  # what is wrong with one run is wrong with most
        _warned.add(folder)
        warnings.warn(
            f"The cache of runs, {folder}, is damaged or cannot be used: {problem}. What it does "
            "not give is computed. Delete that folder, or name another one in STUDY_CACHE.",
            stacklevel=2,
        )


_warned = set()  # folders


def _code_digest():
    """Of everything in `helpers` that can change a number, and of what it computes with."""
    digest = hashlib.sha256(platform.machine().encode())
    for path in sorted(path for part in PARTS for path in (HELPERS / part).glob("*.py")):
        tree = ast.parse(path.read_bytes())
        for node in ast.walk(tree):
            if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
                node.value.value = None  # a docstring
        digest.update(ast.dump(tree).encode())
    for package in PACKAGES:
        try:
            version = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            version = "not installed"
        digest.update(f"{package} {version} ".encode())
    return digest.hexdigest()


# Taken now: what is edited after the import is not what runs.
CODE = _code_digest()
