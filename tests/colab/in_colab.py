"""The notebooks as in Colab: `make colab`.

The kernel has Colab's versions, a stub of `google.colab`, an empty working directory, and a local
repository in place of GitHub. Not simulated are Colab's own front end and its GPUs.
"""

import os
import re
import shutil
import subprocess
from pathlib import Path

import nbformat
import pytest
from jupyter_client.kernelspec import KernelSpecManager
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient

from helpers.data import fetch_mnist
from tools.notebooks import NOT_INHERITED, ROOT, notebook_paths

ENVIRONMENT = ROOT / "build" / "colab"
PYTHON = ENVIRONMENT / "bin" / "python"
FORK = "somebody/my-fork"
ESCAPE = re.compile(r"\x1b\[[\d;]*m")
NAMES = [path.stem for path in notebook_paths(ROOT)]


def frozen():
    return subprocess.check_output([PYTHON, "-m", "pip", "freeze"], text=True)


@pytest.fixture(scope="session", autouse=True)
def colab(tmp_path_factory):
    """`google.colab` is imported when a kernel starts, and no package comes or goes."""
    site = subprocess.check_output(
        [PYTHON, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"], text=True
    )
    stub = tmp_path_factory.mktemp("stub")
    (stub / "google" / "colab").mkdir(parents=True)
    (stub / "google" / "colab" / "__init__.py").write_text("")
    hook = Path(site.strip(), "colab_stub.pth")
    hook.write_text(f"{stub}\nimport google.colab\n")
    before = frozen()
    yield
    hook.unlink()
    assert frozen() == before


@pytest.fixture(scope="session")
def repository(tmp_path_factory):
    """What GitHub has: the files of this checkout, in one commit."""
    folder = tmp_path_factory.mktemp("github") / "repository"
    for name in ("helpers", "grading", "notebooks"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "data").mkdir()
    shutil.copy(ROOT / "data" / ".gitignore", folder / "data")
    git = ["git", "-c", "user.name=x", "-c", "user.email=x@example.org", "-C", folder]
    for command in ("init -q -b main", "add .", "commit -q -m x"):
        subprocess.run([*git, *command.split()], check=True)
    return folder


@pytest.fixture
def github(repository):
    """Environment variables under which git finds the repository instead of GitHub."""
    return instead_of(repository.as_uri(), "owner/name", FORK)


def instead_of(address, *names):
    variables = {"GIT_CONFIG_COUNT": str(len(names)), "GIT_TERMINAL_PROMPT": "0"}
    for number, name in enumerate(names):
        variables[f"GIT_CONFIG_KEY_{number}"] = f"url.{address}.insteadOf"
        variables[f"GIT_CONFIG_VALUE_{number}"] = f"https://github.com/{name}"
    return variables


class Kernel(AsyncKernelManager):
    """Starts the kernel in Colab's environment."""

    @property
    def kernel_spec(self):
        spec = KernelSpecManager().get_kernel_spec("python3")
        spec.argv = [str(PYTHON), "-m", "ipykernel_launcher", "-f", "{connection_file}"]
        return spec


def run(name, folder, variables, address=None, cells=None):
    """Run a notebook, or its first cells, in a folder, with `address` in the setup cell."""
    notebook = nbformat.read(ROOT / "notebooks" / f"{name}.ipynb", as_version=4)
    notebook.cells = notebook.cells[:cells]
    if address:
        for cell in notebook.cells:
            line = f'REPOSITORY = "{address}"'
            cell.source = re.sub(r'^REPOSITORY = "[^"]*"', line, cell.source, flags=re.MULTILINE)
    client = NotebookClient(
        notebook,
        timeout=1800,
        kernel_manager_class=Kernel,
        allow_errors=True,
        resources={"metadata": {"path": str(folder)}},
    )
    inherited = {name: value for name, value in os.environ.items() if name not in NOT_INHERITED}
    data = {"MNIST_DIR": str(fetch_mnist() / "MNIST" / "raw"), "PYTHONDONTWRITEBYTECODE": "1"}
    client.execute(env=inherited | data | variables)
    return [
        ESCAPE.sub("", "\n".join(output.traceback)).strip()
        for cell in notebook.cells
        for output in cell.get("outputs", [])
        if output.output_type == "error"
    ]


@pytest.mark.parametrize("name", NAMES)
def test_a_first_run_in_an_empty_folder(tmp_path, github, name):
    assert run(name, tmp_path, github) == []
    assert [path.name for path in tmp_path.iterdir()] == ["name"]


def test_a_second_run_uses_what_is_there(tmp_path, github):
    assert run(NAMES[0], tmp_path, github) == []
    nothing = instead_of("http://127.0.0.1:9/", "")
    assert run(NAMES[0], tmp_path, nothing) == []


def test_after_a_disconnect_the_machine_is_empty_and_all_is_fetched_again(tmp_path, github):
    assert run(NAMES[0], tmp_path, github, cells=4) == []
    shutil.rmtree(tmp_path / "name")
    assert run(NAMES[0], tmp_path, github) == []


@pytest.mark.parametrize("address", [FORK, f"https://github.com/{FORK}.git", f" {FORK}/ "])
def test_a_fork_is_named_as_one_finds_it(tmp_path, github, address):
    assert run(NAMES[0], tmp_path, github, address, cells=4) == []
    assert [path.name for path in tmp_path.iterdir()] == [FORK.split("/")[1]]


@pytest.mark.parametrize(
    ("address", "variables"),
    [
        ("owner/other", instead_of("file:///nowhere/", "")),
        ("owner/name", instead_of("http://127.0.0.1:9/", "")),
    ],
    ids=["wrong address", "no network"],
)
def test_what_cannot_be_fetched_is_said_without_a_traceback(tmp_path, address, variables):
    message, *_ = run(NAMES[0], tmp_path, variables, address, cells=3)
    assert "REPOSITORY" in message and "Traceback" not in message
    assert len(message.splitlines()) <= 6, message
    assert list(tmp_path.iterdir()) == []
