"""TensorFlow and PyTorch in one process, each test in a process of its own."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from helpers.frameworks import tensorflow_import

TENSORFLOW = "with tensorflow_import():\n    import tensorflow\n"
USE_BOTH = "assert float(tensorflow.constant(2.0) + float(torch.tensor(3.0))) == 5\n"


@pytest.mark.parametrize(
    "order",
    [TENSORFLOW + "import torch\n", "import torch\n" + TENSORFLOW],
    ids=["TensorFlow first", "PyTorch first"],
)
def test_both_frameworks_work_in_either_order_and_keep_silent(order):
    code = "from helpers.frameworks import tensorflow_import\n" + order + USE_BOTH
    ended = subprocess.run(
        [sys.executable, "-c", code],
        cwd=Path(__file__).parent.parent,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "", "")


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
