"""TensorFlow and PyTorch in one process, each test in a process of its own."""

import os
import subprocess
import sys
from itertools import permutations
from pathlib import Path

import pytest

from helpers.support.frameworks import tensorflow_import

ROOT = Path(__file__).parent.parent
# NumPy is in every process from the beginning.
# In make test those in which one framework comes right after the other.
ORDERS = [
    pytest.param(
        order, id=" ".join(order), marks=[] if order[0] == "numba" else pytest.mark.thorough
    )
    for order in permutations(["numba", "torch", "tensorflow"])
]
USE_ENGINES = """
import sys
import numpy as np
from helpers.sgd import train_classifier

rng = np.random.default_rng(0)
X, Y = rng.random((20, 4)), np.eye(3)[rng.integers(3, size=20)]
runs = [
    train_classifier(X, Y, batch_size=3, learning_rate=0.1, num_epochs=2, engine=engine)
    for engine in sys.argv[1:]
]
for run in runs[1:]:
    np.testing.assert_allclose(run.W, runs[0].W, rtol=0, atol=1e-12)
"""
# It is the first optimizer of PyTorch that loads triton, not the import.
USE_TORCH = """
w = torch.ones(2, requires_grad=True)
optimizer = torch.optim.SGD([w], lr=0.5)
w.sum().backward()
optimizer.step()
"""
GUARDED = """
from helpers.support.frameworks import tensorflow_import
with tensorflow_import():
    import tensorflow
"""


def run(code, *arguments):
    return subprocess.run(
        [sys.executable, "-c", code, *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )


def assert_silent_success(ended):
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "", "")


@pytest.mark.parametrize("order", ORDERS)
def test_engines_work_in_any_order_and_keep_silent(order):
    assert_silent_success(run(USE_ENGINES, *order, "numpy"))


@pytest.mark.parametrize(
    "code",
    ["import tensorflow\n" + USE_ENGINES, GUARDED + "import torch\n" + USE_TORCH],
    ids=["tensorflow", "torch"],
)
def test_one_framework_may_be_imported_without_the_guard(code):
    ended = run(code, "torch", "numpy")
    assert ended.returncode == 0, ended.stderr


@pytest.mark.parametrize("engine", ["numpy", "numba"])
def test_engines_without_a_framework_do_not_import_one(engine):
    code = USE_ENGINES + "assert not {'torch', 'tensorflow', 'keras', 'triton'} & {*sys.modules}"
    assert_silent_success(run(code, engine))


def test_what_is_written_during_the_import_is_dropped_and_stderr_given_back(capfd):
    with tensorflow_import():
        os.write(2, b"a line of the C++ log\n")
    os.write(2, b"later\n")
    assert capfd.readouterr().err == "later\n"


def test_what_is_written_during_an_import_that_fails_is_shown(capfd):
    with pytest.raises(ImportError), tensorflow_import():
        os.write(2, b"the reason\n")
        raise ImportError
    assert "the reason" in capfd.readouterr().err
