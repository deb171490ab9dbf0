"""What goes through the pipes between the grader and the sandbox: a little JSON and raw arrays.

Both ends use this module, and neither trusts it to be used well by the other: of what arrives, the
length, the depth, the shapes and the dtypes are looked at before anything is made of it. Nothing is
pickled. Values that only one end can make (a function, a data set, a variable of TensorFlow) are
encoded by a function of the caller's, and decoded by one.
"""

import json
import math
import numbers
import re
import struct
import sys
from collections.abc import Iterable, Iterator
from itertools import islice

import numpy as np

HEADER_BYTES, BODY_BYTES = 2**24, 2**28
DEPTH, ITEMS, CHARACTERS = 16, 100_000, 10_000
KINDS = "biuf"  # of dtypes: Booleans and real numbers
FRAME = struct.Struct("!QQ")


class BadMessage(Exception):
    """What arrived is not what the other end should have sent; the message says why."""


def send(socket, header, arrays=()):
    """Send a JSON header and arrays.

    Raises
    ------
    BadMessage
        It is larger than the other end would take.
    OSError
        The other end is gone.
    """
    arrays = [np.ascontiguousarray(array).reshape(np.shape(array)) for array in arrays]
    described = [[array.dtype.str, list(array.shape)] for array in arrays]
    text = json.dumps({"header": header, "arrays": described}).encode()
    size = sum(array.nbytes for array in arrays)
    if len(text) > HEADER_BYTES or size > BODY_BYTES:
        raise BadMessage(f"{len(text)} and {size} bytes are too many")
    socket.sendall(FRAME.pack(len(text), size))
    socket.sendall(text)
    for array in arrays:
        if array.nbytes:
            socket.sendall(array.reshape(-1).view(np.uint8).data)


def receive(socket):
    """The next header and its arrays.

    Raises
    ------
    EOFError
        The other end is gone.
    BadMessage
        It is too large, or no message.
    """
    text_size, body_size = FRAME.unpack(_read(socket, FRAME.size))
    if text_size > HEADER_BYTES or body_size > BODY_BYTES:
        raise BadMessage(f"{text_size} and {body_size} bytes are too many")
    text, body = _read(socket, text_size), _read(socket, body_size)
    try:
        message = json.loads(text)
        header, described = message["header"], message["arrays"]
        return header, _arrays(described, body)
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise BadMessage(f"no message: {error!r:.200}") from None


def _arrays(described, body):
    arrays, start = [], 0
    for name, shape in described:
        dtype = np.dtype(name)
        if dtype.kind not in KINDS or dtype.itemsize > 16 or len(shape) > 8:
            raise ValueError(f"an array of {name!r:.50}")
        if not all(type(length) is int and 0 <= length <= BODY_BYTES for length in shape):
            raise ValueError(f"an array of shape {shape!r:.100}")
        size = math.prod(shape) * dtype.itemsize
        if start + size > len(body):
            raise ValueError("fewer bytes than the arrays need")
        arrays.append(np.frombuffer(body, dtype, math.prod(shape), start).reshape(shape))
        start += size
    return arrays


def _read(socket, size):
    buffer = bytearray(size)
    view, done = memoryview(buffer), 0
    while done < size:
        count = socket.recv_into(view[done:], min(size - done, 2**20))
        if not count:
            raise EOFError
        done += count
    return buffer


def encode(value, special=None):
    """A value as a tree for JSON, and the arrays it refers to.

    Parameters
    ----------
    value : object
    special : callable, optional
        Given a value and a function that encodes parts of it: a tree, or None for what it leaves to
        this function.

    Returns
    -------
    tree, arrays
        What is no number, text, array, table or collection of them is encoded as the name of its
        type alone.
    """
    arrays, count = [], 0
    pandas = sys.modules.get("pandas")  # what has not imported it has no table of it

    def array(value):
        arrays.append(value)
        return len(arrays) - 1

    def items(values, depth):
        nonlocal count
        values = list(islice(values, ITEMS + 1))
        count += len(values)
        if count > ITEMS:
            raise BadMessage(f"more than {ITEMS} items")
        return [tree(each, depth + 1) for each in values]

    def tree(value, depth=0):
        if depth > DEPTH:
            raise BadMessage(f"nested deeper than {DEPTH}")
        found = special and special(value, lambda part: tree(part, depth + 1))
        if found:
            return found
        if value is None or isinstance(value, bool):
            return value
        if type(value) is int and abs(value) < 2**63:
            return value
        if type(value) is float:
            return {"float": repr(value)}
        if type(value) is str:
            return value[:CHARACTERS]
        if _is_tensor(value):
            value = _array_of_tensor(value)
        if isinstance(value, np.generic) and value.dtype.kind in KINDS:
            return {"scalar": array(np.asarray(value))}
        if isinstance(value, np.ndarray):
            if value.dtype.kind in KINDS:
                return {"array": array(np.asarray(value))}
            return {"list": items(value.tolist(), depth)} if value.ndim else _opaque(value)
        if pandas and isinstance(value, pandas.Series):
            return {"series": [items(value.index, depth), tree(value.to_numpy(), depth + 1)]}
        if pandas and isinstance(value, pandas.DataFrame):
            columns = [tree(value.iloc[:, k].to_numpy(), depth + 1) for k in range(value.shape[1])]
            return {"frame": [items(value.columns, depth), items(value.index, depth), columns]}
        if isinstance(value, dict):
            return {"dict": [items(value.keys(), depth), items(value.values(), depth)]}
        for name, kind in COLLECTIONS.items():
            if isinstance(value, kind):
                return {name: items(value, depth)}
        if isinstance(value, numbers.Real):
            return {"float": repr(float(value))}
        if isinstance(value, Iterable) and not isinstance(value, str | bytes):
            return {"list": items(value, depth)}
        return _opaque(value)

    return tree(value), arrays


COLLECTIONS = {"list": list, "tuple": tuple, "set": set | frozenset, "iterator": Iterator}
NAME = re.compile(r"[A-Za-z_]\w{0,40}")


def _opaque(value):
    return {"opaque": type(value).__name__}


def _is_tensor(value):
    return type(value).__module__.split(".")[0] in ("torch", "tensorflow", "keras", "jax", "jaxlib")


def _array_of_tensor(value):
    try:
        return np.asarray(value.detach().cpu() if hasattr(value, "detach") else value)
    except Exception:  # a type, a function or a symbol of the framework: no array
        return value


def decode(tree, arrays, special=None):
    """The value of a tree that `encode` made.

    Parameters
    ----------
    tree, arrays
        As they arrived.
    special : callable, optional
        Given the name, the content, and a function that decodes parts: the value. Without it, what
        is special is refused.

    Raises
    ------
    BadMessage
        It is no such tree.
    """

    def value(tree, depth=0):
        if depth > 2 * DEPTH:
            raise ValueError("nested too deep")
        if not isinstance(tree, dict):
            if tree is None or isinstance(tree, bool | int | str):
                return tree
            raise ValueError(f"unexpected {tree!r:.100}")
        [(name, content)] = tree.items()

        def part(each):
            return value(each, depth + 1)

        if name == "float":
            return float(content)
        if name == "scalar":
            return arrays[content][()]
        if name == "array":
            return arrays[content]
        if name == "dict":
            keys, values = content
            return dict(zip(map(part, keys), map(part, values), strict=True))
        if name == "series":
            from pandas import Series

            index, values = content
            return Series(part(values), index=list(map(part, index)))
        if name == "frame":
            from pandas import DataFrame

            names, index, columns = content
            named = zip(map(part, names), map(part, columns), strict=True)
            return DataFrame(dict(named), index=list(map(part, index)))
        if name == "opaque":
            return type(content if NAME.fullmatch(content) else "object", (), {})()
        if name == "iterator":
            return iter(list(map(part, content)))
        if name in ("list", "tuple", "set"):
            return {"list": list, "tuple": tuple, "set": set}[name](map(part, content))
        if special is None:
            raise ValueError(f"unexpected {name!r:.100}")
        return special(name, content, part)

    try:
        return value(tree)
    except (ValueError, TypeError, KeyError, IndexError, AttributeError, RecursionError) as error:
        raise BadMessage(f"no value: {error!r:.200}") from None
