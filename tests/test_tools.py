"""The tools behind the committed notebooks, on tiny notebooks and modules."""

import json
import os
import subprocess
import sys

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from tools import notebooks
from tools.colab import renewed
from tools.fingerprint import changed, code_text, fingerprint
from tools.tolerance import settle, tolerances

SGD = '''"""Training."""

import numpy as np


def train(rate=0.5):
    """Train with an engine."""
    return np.array([  # by name
        1 - rate,
    ])
'''
FILES = {"__init__.py": "", "sgd.py": SGD, "engines/numpy_engine.py": "SIZE = 3\n"}
CELLS = ["from helpers import sgd", "%matplotlib inline\nsgd.train()"]


def notebook_of(*sources):
    return new_notebook(cells=[new_code_cell(source) for source in sources])


def write_notebook(root, name, *cells):
    path = root / "notebooks" / f"{name}.ipynb"
    path.parent.mkdir(exist_ok=True)
    nbformat.write(new_notebook(cells=list(cells)), path)
    return path


@pytest.fixture
def root(tmp_path):
    """A folder with a small `helpers` package."""
    for name, source in FILES.items():
        path = tmp_path / "helpers" / name
        path.parent.mkdir(exist_ok=True, parents=True)
        path.write_text(source, encoding="utf-8")
    return tmp_path


def changes(root, name, old, new):
    """What an edit of a helper changes in the fingerprint of the notebook."""
    before = fingerprint(notebook_of(*CELLS), root)
    path = root / "helpers" / name
    source = path.read_text(encoding="utf-8")
    assert old in source
    path.write_text(source.replace(old, new), encoding="utf-8")
    return changed(before, fingerprint(notebook_of(*CELLS), root))


# Fingerprints


def test_one_character_of_a_cell_changes_the_fingerprint(root):
    before = fingerprint(notebook_of(*CELLS), root)
    after = fingerprint(notebook_of(CELLS[0], CELLS[1] + " "), root)
    assert changed(before, after) == ["code cells"]


def test_prose_does_not_change_the_fingerprint(root):
    notebook = notebook_of(*CELLS)
    before = fingerprint(notebook, root)
    notebook.cells.append(new_markdown_cell("More prose."))
    assert fingerprint(notebook, root) == before


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("sgd.py", "0.5", "0.6"),
        ("sgd.py", "    return", "return"),
        ("engines/numpy_engine.py", "3", "4"),
    ],
)
def test_one_character_of_any_helper_changes_the_fingerprint(root, name, old, new):
    assert changes(root, name, old, new) == ["helpers"]


def test_a_new_module_changes_the_fingerprint_and_a_checkpoint_of_jupyter_does_not(root):
    before = fingerprint(notebook_of(*CELLS), root)
    (root / "helpers" / "sgd-checkpoint.py").write_text("SIZE = 4\n")
    assert fingerprint(notebook_of(*CELLS), root) == before
    (root / "helpers" / "other.py").write_text("")
    assert changed(before, fingerprint(notebook_of(*CELLS), root)) == ["helpers"]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("Train with an engine.", "Train,\n\n    with one of the engines."),
        ('    """Train with an engine."""\n', ""),
        ("# by name", "# chosen by its name"),
        ("  # by name", ""),
        ("        1 - rate,\n", "        # One.\n        1 - rate,  # two\n"),
        ("import numpy as np\n", "import numpy as np\n\n# More.\n\n"),
        ("import numpy as np\n", "import numpy as np   \n"),
    ],
)
def test_docstrings_comments_and_blank_space_do_not_change_the_fingerprint(root, old, new):
    assert changes(root, "sgd.py", old, new) == []


def test_without_a_stored_fingerprint_all_has_changed(root):
    assert changed({}, fingerprint(notebook_of(*CELLS), root)) == ["code cells", "helpers"]


def test_code_text_keeps_all_that_is_inside_of_strings():
    source = 'x = """a  \n\n  # no comment\n"""\ny = f"""{x}  {{}}\n\n#"""  # comment\n'
    assert code_text(source) == source.replace("  # comment", "").rstrip("\n")


# Tolerances


def test_tolerances_are_read_from_tags():
    assert tolerances(["rtol=0.02", "readme-table"]) == {"rtol": 0.02, "atol": 0}
    assert tolerances(["rtol=1e-3", "atol=2"]) == {"rtol": 1e-3, "atol": 2}
    assert tolerances(["readme-table"]) is None


@pytest.mark.parametrize("tag", ["rtol=", "rtol=2%", "atol=-1", "atol=nan", "rtol=inf"])
def test_a_tolerance_that_is_no_number_is_an_error(tag):
    with pytest.raises(ValueError, match=tag):
        tolerances([tag])


@pytest.mark.parametrize(
    ("new", "stored"),
    [
        ("loss 0.2701", "loss 0.27"),
        ("loss -1.01e-3", "loss -0.001"),
        ("60,100 updates", "60,000 updates"),
        ("|   9.99 |\n|------:|", "|  10.01 |\n|-------:|"),
        ("[ 9.99 nan]", "[10.01 nan]"),
        ("inf", "inf"),
        ("<td>0.99</td>", "<td>1.00</td>"),
    ],
)
def test_numbers_within_tolerance_are_settled(new, stored):
    assert settle(new, stored, rtol=0.02, atol=0) == stored


@pytest.mark.parametrize(
    ("new", "stored"),
    [
        ("loss 0.29", "loss 0.27"),
        ("loss -0.27", "loss 0.27"),
        ("loss nan", "loss 0.27"),
        ("loss 0.27", "loss nan"),
        ("inf", "1.0"),
        ("1.0", "inf"),
        ("-inf", "inf"),
        ("loss 0.27 0.27", "loss 0.27"),
        ("cost 0.27", "loss 0.27"),
        ("float32", "float64"),
        ("1e-5", "0"),
    ],
)
def test_other_differences_are_not_settled(new, stored):
    assert settle(new, stored, rtol=0.02, atol=0) != stored


def test_an_absolute_tolerance_holds_near_zero():
    assert settle("1e-7", "0", rtol=0, atol=1e-6) == "0"
    assert settle("1e-5", "0", rtol=0, atol=1e-6) == "1e-5"


def test_only_the_numbers_out_of_tolerance_remain():
    assert settle("1.001 2.5 3.001", "1.000 2.0 3.000", rtol=0.02, atol=0) == "1.000 2.5 3.000"


def stored_cell(source, text, *tags):
    output = new_output("stream", name="stdout", text=text + "\n")
    metadata = {"tags": list(tags)}
    return new_code_cell(source, execution_count=1, outputs=[output], metadata=metadata)


@pytest.mark.slow
def test_nbval_compares_a_tagged_cell_within_its_tolerance(tmp_path):
    path = write_notebook(
        tmp_path,
        "study",
        stored_cell("print('loss', 0.2701)", "loss 0.27", "rtol=0.02"),
        stored_cell("print('took 3.5 s')", "took 12 s"),
        stored_cell("print('loss', 0.29)", "loss 0.27", "rtol=0.02"),
        stored_cell("print('loss', float('nan'))", "loss 0.27", "rtol=0.02"),
        stored_cell("print('cost', 0.27)", "loss 0.27", "rtol=0.02"),
        stored_cell("print('loss', 0.2701)", "loss 0.27"),
    )
    pytest_here = [sys.executable, "-m", "pytest", "-c", str(notebooks.ROOT / "pyproject.toml")]
    outcome = subprocess.run(
        [*pytest_here, "-p", "no:cacheprovider", "-p", "conftest", "-rA", str(path)],
        cwd=notebooks.ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "4 failed, 2 passed" in outcome.stdout, outcome.stdout + outcome.stderr
    passed = [line for line in outcome.stdout.splitlines() if line.startswith("PASSED")]
    assert [line[-6:] for line in passed] == ["Cell 0", "Cell 1"]


@pytest.mark.slow
def test_make_test_executes_every_cell_of_every_notebook():
    commands = subprocess.run(
        ["make", "-n", "test"], cwd=notebooks.ROOT, capture_output=True, text=True, check=True
    ).stdout.splitlines()
    [command] = [line for line in commands if "-m pytest notebooks" in line]
    collected = subprocess.run(
        command.replace(" .venv/bin/python ", f" {sys.executable} ") + " -n 0 --collect-only -q",
        shell=True,
        cwd=notebooks.ROOT,
        capture_output=True,
        text=True,
        check=False,
    ).stdout
    for path in sorted((notebooks.ROOT / "notebooks").glob("*.ipynb")):
        cells = nbformat.read(path, as_version=4).cells
        expected = sum(cell.cell_type == "code" for cell in cells)
        assert collected.count(f"{path.name}::Cell ") == expected, path.name


# Execution


@pytest.mark.slow
def test_run_writes_pages_and_gives_the_kernel_the_results_folder(tmp_path, capfd):
    source = "import os\nfrom pathlib import Path\nprint('folder', Path.cwd().name)\n"
    source += "Path(os.environ['RESULTS_DIR'], 'table.csv').write_text('1');"
    write_notebook(tmp_path, "one", new_code_cell(source))
    (tmp_path / "build").mkdir()
    (tmp_path / "build" / "benchmark.csv").write_text("of another command")
    assert notebooks.main(["run"], tmp_path) == 0
    page = (tmp_path / "build" / "one.html").read_text(encoding="utf-8")
    assert "folder notebooks" in page
    out, err = capfd.readouterr()
    assert "one.html" in out and "table.csv" in out and "benchmark.csv" not in out
    assert "one: cell 1 of 1" in err


@pytest.mark.slow
def test_run_stops_at_a_failing_cell_and_shows_it(tmp_path, capfd):
    cells = "print('cell', 'one')", "ratio = 1 / 0", "print('cell', 'three')"
    write_notebook(tmp_path, "01_bad", *map(new_code_cell, cells))
    write_notebook(tmp_path, "02_next", new_code_cell("1"))
    assert notebooks.main(["run"], tmp_path) == 1
    err = capfd.readouterr().err
    assert "cell 2 of 3, failed" in err and "01_bad.ipynb" in err
    assert "    ratio = 1 / 0" in err
    assert "ZeroDivisionError: division by zero" in err
    assert "nbclient" not in err and "\x1b" not in err
    page = (tmp_path / "build" / "01_bad.html").read_text(encoding="utf-8")
    assert "cell one" in page and "cell three" not in page
    assert not (tmp_path / "build" / "02_next.html").exists()


@pytest.mark.slow
def test_run_says_that_the_kernel_ended(tmp_path, capfd):
    write_notebook(tmp_path, "dies", new_code_cell("import os\nos._exit(1)"))
    assert notebooks.main(["run"], tmp_path) == 1
    err = capfd.readouterr().err
    assert "cell 1 of 1, failed" in err and "The kernel ended" in err


@pytest.mark.slow
def test_outputs_are_the_same_twice_and_hold_nothing_of_the_machine(root):
    cells = [
        new_markdown_cell("A question."),
        new_code_cell(
            "import sys\nsys.path.insert(0, '..')\nfrom helpers import sgd\n'answer'",
            metadata={"ExecuteTime": {}},
        ),
        new_code_cell("for i in range(3):\n    print(i, flush=True)"),
    ]
    path = write_notebook(root, "one", *cells)
    notebook = nbformat.read(path, as_version=4)
    notebook.metadata = {"widgets": {}, "language_info": {"name": "python", "version": "3.1"}}
    nbformat.write(notebook, path)
    assert notebooks.main(["outputs"], root) == 0
    first = path.read_bytes()
    assert notebooks.main(["outputs", str(path)], root) == 0
    assert path.read_bytes() == first
    assert first.endswith(b"}\n")
    stored = nbformat.read(path, as_version=4)
    assert [cell.get("execution_count") for cell in stored.cells] == [None, 1, 2]
    assert [output.text for output in stored.cells[2].outputs] == ["0\n1\n2\n"]
    assert stored.metadata.fingerprint == fingerprint(stored, root)
    assert not {"widgets", "ExecuteTime", "execution"} & set(keys(json.loads(first)))
    assert "version" not in stored.metadata.language_info


@pytest.mark.slow
def test_outputs_of_a_failing_notebook_are_left_as_they_were(tmp_path):
    path = write_notebook(tmp_path, "bad", new_code_cell("1"), new_code_cell("1 / 0"))
    before = path.read_bytes()
    assert notebooks.main(["outputs"], tmp_path) == 1
    assert path.read_bytes() == before
    assert os.listdir(path.parent) == [path.name]


def keys(value):
    """All keys of nested dictionaries."""
    if isinstance(value, dict):
        yield from value
    for part in value.values() if isinstance(value, dict) else value:
        if isinstance(part, dict | list):
            yield from keys(part)


# The README


def readme_cell(kind, content, *tags):
    return new_code_cell(
        "show()",
        outputs=[new_output("display_data", {kind: content})],
        metadata={"tags": list(tags)},
    )


def test_the_readme_gets_tables_and_figure(tmp_path):
    write_notebook(
        tmp_path,
        "study",
        readme_cell("text/markdown", "| new |", "readme-table", "table-results"),
        readme_cell("image/png", "UE5H", "readme-figure"),
    )
    readme = tmp_path / "README.md"
    readme.write_text("Top\n<!-- table: results -->\n| old |\n<!-- end of table -->\nBottom\n")
    notebooks.update_readme(tmp_path)
    notebooks.update_readme(tmp_path)
    text = readme.read_text()
    assert notebooks.table_of_readme(text, "results") == "| new |"
    assert text.startswith("Top\n") and text.endswith("\nBottom\n") and "old" not in text
    assert text.count("| new |") == 1
    assert (tmp_path / notebooks.FIGURE).read_bytes() == b"PNG"


def test_what_the_readme_lacks_is_said(tmp_path):
    write_notebook(
        tmp_path, "study", readme_cell("text/markdown", "|1|", "readme-table", "table-a")
    )
    assert any("no README.md" in line for line in notebooks.update_readme(tmp_path))
    (tmp_path / "README.md").write_text("Nothing\n")
    report = "\n".join(notebooks.update_readme(tmp_path))
    assert "<!-- table: a -->" in report and "readme-figure" in report


# Colab


def test_colab_versions_are_those_of_its_list_and_comments_stay():
    published = (
        "numpy==2.1.3\ntorch @ https://x.org/torch-2.11.0%2Bcpu-cp313.whl\nIPython==7.34.0\n"
    )
    assert renewed("# Of Colab.\nipython==0\ntorch==0\n", published) == (
        "# Of Colab.\nipython==7.34.0\ntorch==2.11.0\n"
    )
    with pytest.raises(LookupError, match="numba is not in"):
        renewed("numba==0\n", published)
