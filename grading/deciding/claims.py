"""What the grader should look at: numbers that a rerun does not give, and attempts to deceive.

Nothing here changes a point. The tolerances are those of `TOLERANCES`, or of the cell's own tags,
which do not count for what may be an accuracy.
"""

import ast
import re

from tools.tolerance import NUMBER, tolerances

# For numbers with a unit of time, whose size is a matter of the machine, and for all others.
TOLERANCES = {"seconds": 20.0, "others": 0.02}
TIME = re.compile(r"\s?(?:s|ms|us|µs|ns|min)\b|\s?(?:seconds|minutes)\b")
ESCAPE = re.compile(r"\x1b\[[\d;]*m")
IS_RIGHT = re.compile(r"✓")


def compare(claimed, rerun, tags=()):
    """Numbers in the stored outputs of a cell that the rerun does not give.

    Parameters
    ----------
    claimed, rerun : list
        Outputs of the cell as handed in, and as it ran.
    tags : list of str
        Of the released cell; `rtol=…` and `atol=…` among them count.

    Returns
    -------
    list of str
        One line for each, up to three; empty where texts differ in more than numbers.
    """
    old, new = text_of(claimed), text_of(rerun)
    if _skeleton(old) != _skeleton(new):
        return []
    of_cell = tolerances(tags) or {"rtol": TOLERANCES["others"], "atol": 0.0}
    lines = []
    for was, now in zip(NUMBER.finditer(old), NUMBER.finditer(new), strict=True):
        is_time = TIME.match(old, was.end()) is not None
        # An accuracy varies less than the iterations that the tolerance of a table is for.
        is_accuracy = 0.5 < float(now[0].replace(",", "")) < 1
        limits = of_cell | ({"rtol": TOLERANCES["others"]} if is_accuracy else {})
        if not _agree(was[0], now[0], is_time, **limits):
            allowed = f"a factor of {TOLERANCES['seconds']:g}" if is_time else f"{limits['rtol']:g}"
            lines.append(f"says {was[0]}, the rerun gives {now[0]} (tolerance {allowed})")
    return lines[:3]


def says_right(outputs):
    """Whether the stored output of a check says that the exercise is right."""
    return bool(IS_RIGHT.search(text_of(outputs)))


def text_of(outputs):
    """The text of a cell's outputs."""
    parts = []
    for output in outputs:
        text = output.get("text") or output.get("data", {}).get("text/plain") or ""
        parts.append("".join(text) if isinstance(text, list) else str(text))
    return plain("\n".join(parts))


def plain(text):
    """Text without the escape sequences that color it."""
    return ESCAPE.sub("", text)


# What no exercise needs, and tricks do. Names, and attributes of anything.
SUSPICIOUS = {
    "ast_transformers", "input_transformers_cleanup", "input_transformers_post", "run_code",
    "run_cell", "get_ipython", "__code__", "__builtins__", "__subclasses__", "_getframe",
    "currentframe", "_exit", "_render_traceback_", "ctypes", "socket", "subprocess", "urllib",
    "requests", "signal", "gc", "settrace", "setprofile", "register_cell_magic", "hidden_tests",
}  # fmt: skip
LIBRARIES = {
    "checks", "np", "numpy", "softmax", "study", "sgd", "helpers", "time", "tf", "pd", "sys",
}  # fmt: skip


def manipulations(source):
    """Names in a student's code that no exercise needs, as a sorted list.

    Among them are assignments to attributes of a library, as `checks.softmax = …`, and a comparison
    that is always true.
    """
    try:
        nodes = list(ast.walk(ast.parse(re.sub(r"(?m)^(\s*)[%!].*", r"\1pass", source))))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return []
    found = set()
    for node in nodes:
        if isinstance(node, ast.Name) and node.id in SUSPICIOUS:
            found.add(node.id)
        elif isinstance(node, ast.Attribute) and node.attr in SUSPICIOUS:
            found.add(node.attr)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            module = [getattr(node, "module", None)] + [name.name for name in node.names]
            found |= {name for name in module if name and name.split(".")[0] in SUSPICIOUS}
        elif isinstance(node, ast.FunctionDef) and node.name == "__eq__":
            found.add("__eq__")
        elif isinstance(node, ast.Call) and getattr(node.func, "id", "") == "setattr":
            found.add("setattr")
        for target in _targets(node):
            root = target
            while isinstance(root, ast.Attribute):
                root = root.value
            if isinstance(target, ast.Attribute) and getattr(root, "id", "") in LIBRARIES:
                found.add(f"{ast.unparse(target)} = …")
    return sorted(found)


def _targets(node):
    if isinstance(node, ast.Assign):
        return node.targets
    return [node.target] if isinstance(node, ast.AugAssign | ast.AnnAssign) else []


def _skeleton(text):
    return [" ".join(re.sub(r"[-=─]{3,}", "-", part).split()) for part in NUMBER.split(text)]


def _agree(was, now, is_time, rtol, atol):
    was, now = (float(number.replace(",", "")) for number in (was, now))
    if was == now or (was != was and now != now):
        return True
    if is_time:
        factor = TOLERANCES["seconds"]
        return was <= 0 or now <= 0 or 1 / factor <= was / now <= factor
    return abs(was - now) <= atol + max(rtol, TOLERANCES["others"]) * abs(now)
