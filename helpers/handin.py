"""Is it fit to hand in? `python -m helpers.handin`, in the folder that holds `helpers`.

Notebooks that lie elsewhere are found if their folder is named: `python -m helpers.handin FOLDER`.

Reads the notebooks as they were saved, and says of each exercise whether it is answered and what
its check said, what would hinder grading, and which files to hand in. It runs and changes nothing.
"""

import json
import re
import sys
from pathlib import Path

# Of each notebook with points the answers, by the ids of their cells; a check has the id of its
# answer and -check.
ANSWERS = {
    "01_data_preparation": ["q1-preprocess-data"],
    "02_hand_coded_sgd": [
        "q2-softmax", "q2-loss", "q2-gradient", "q2-minibatches", "q2-sgd-step",
    ],
    "03_batch_size_study": [
        "q3-best-rates", "q3-choices", "q3-training-run", "q3-step", "q4-comment", "q5-answer",
        "q5-explanation",
    ],
    "04_tensorflow_comparison": ["q6-train-step", "q6-comparison"],
}  # fmt: skip
STUBS = ("# Write your code here", "*Write your answer here.*", "checks.not_attempted()")
MOST_BYTES = 20_000_000  # a platform may refuse more
ESCAPES = re.compile(r"\x1b\[[0-9;]*m")


def main(arguments):
    """Print the report; the exit code is 0 if all is answered, green and fit to hand in."""
    folder = Path(arguments[0]) if arguments else Path.cwd()
    folder = folder / "notebooks" if (folder / "notebooks").is_dir() else folder
    done = True
    for name in ANSWERS:
        lines, fit = report(folder / f"{name}.ipynb")
        print("\n".join([name, *(f"    {line}" for line in lines)]))
        done = done and fit
    print("\nHand in, where your course collects them, these files as they are saved now:")
    for name in ANSWERS:
        print(f"    {(folder / f'{name}.ipynb').resolve()}")
    print("Save each notebook before you look here: this reads what was saved.")
    return 0 if done else 1


def report(path):
    """What is to be said of one saved notebook.

    Parameters
    ----------
    path : pathlib.Path
        Named as it was handed out.

    Returns
    -------
    lines : list of str
    fit : bool
        Whether every exercise is answered and green, and nothing would hinder grading.
    """
    try:
        notebook = json.loads(path.read_bytes())
        cells = [_Cell(cell) for cell in notebook["cells"]]
    except FileNotFoundError:
        others = ", ".join(sorted(each.name for each in path.parent.glob("*.ipynb"))) or "none"
        return [f"✗ there is no file of this name in {path.parent} (notebooks: {others})"], False
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        return [f"✗ it cannot be read ({type(error).__name__}): save it again from Jupyter"], False
    hindrances = list(_hindrances(path, cells))
    lines, fit = [f"✗ {line}" for line in hindrances], not hindrances
    for answer in ANSWERS[path.stem]:
        line, good = _exercise(answer, cells)
        lines.append(f"{'✓' if good else '·'} {answer}: {line}")
        fit = fit and good
    return lines, fit


class _Cell:
    """The parts of a saved cell that matter here."""

    def __init__(self, cell):
        metadata = cell["metadata"]
        self.kind = cell["cell_type"]
        self.source = "".join(cell["source"])
        self.grade_id = metadata.get("nbgrader", {}).get("grade_id")
        self.id = self.grade_id or cell.get("id") or metadata.get("id")
        self.count = cell.get("execution_count")
        self.outputs = cell.get("outputs", [])

    def failure(self):
        """The first line of its error; empty if it has none."""
        for output in self.outputs:
            if output.get("output_type") == "error":
                text = ESCAPES.sub("", str(output.get("evalue")))
                return text.strip().split("\n")[0] or str(output.get("ename"))
        return ""


def _exercise(answer, cells):
    """A line about one exercise, and whether nothing is left to do."""
    own = [cell for cell in cells if cell.id == answer]
    if not own:
        return "its cell is missing; copy your answer into a fresh notebook", False
    if not any(cell.source.strip() and not _is_stub(cell.source) for cell in own):
        return "not answered", False
    checks = [cell for cell in cells if cell.id in (f"{answer}-trained", f"{answer}-check")]
    if not checks:
        return "answered" + ", graded by hand" * (own[0].kind == "markdown"), True
    if any(cell.count is None for cell in checks):
        return "answered, but its check has not been run since", False
    failures = [cell.failure() for cell in checks if cell.failure()]
    return (failures[0], False) if failures else ("answered, and its check is green", True)


def _hindrances(path, cells):
    """What would hinder grading, though no single exercise."""
    size = path.stat().st_size
    if size > MOST_BYTES:
        yield f"the file has {size / 1e6:.0f} MB: clear outputs that are very large"
    known = [cell.grade_id for cell in cells if cell.grade_id]
    doubled = sorted({each for each in known if known.count(each) > 1})
    if doubled:
        yield f"more than one cell of {', '.join(doubled)}: the last definition counts"
    counts = [cell.count for cell in cells if cell.kind == "code" and cell.count is not None]
    if counts != sorted(counts):
        yield "its cells were not run in their order: restart the kernel, Run All, save"


def _is_stub(source):
    return any(stub in source for stub in STUBS)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
