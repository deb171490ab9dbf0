"""A browser, both editions, and a Jupyter server for each."""

import os
import shutil
import socket
import subprocess
import sys
import time
from urllib.request import urlopen

import pytest
from playwright.sync_api import sync_playwright

from grading.release import release
from helpers.data import fetch_mnist
from tools.notebooks import NOT_INHERITED, ROOT

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
ON_A_MAC = "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome"


@pytest.fixture(scope="session")
def browser():
    found = [shutil.which(name) for name in (os.environ.get("BROWSER", ""), *BROWSERS, ON_A_MAC)]
    if not any(found):
        pytest.exit(
            f"There is no Chromium or Chrome here (looked for {', '.join(BROWSERS)}): install one, "
            "or name yours in the environment variable BROWSER.",
            returncode=1,
        )
    with sync_playwright() as playwright:
        # Chromium's own sandbox does not work for root, as one is in a container.
        options = ["--no-sandbox"] if hasattr(os, "getuid") and os.getuid() == 0 else []
        browser = playwright.chromium.launch(
            executable_path=next(filter(None, found)), args=options
        )
        yield browser
        browser.close()


def checkout(folder):
    """The folder, with the worked edition in it."""
    for name in ("helpers", "grading", "notebooks"):
        ignored = shutil.ignore_patterns("__pycache__", ".ipynb_checkpoints")
        shutil.copytree(ROOT / name, folder / name, ignore=ignored)
    return folder


@pytest.fixture(scope="session")
def editions(tmp_path_factory):
    """The folders of both editions, by name."""
    worked = checkout(tmp_path_factory.mktemp("worked"))
    student, _ = release("owner/name", ROOT, build=tmp_path_factory.mktemp("build"))
    return {"worked": worked, "student": student}


@pytest.fixture(scope="session")
def servers(editions, serve, tmp_path_factory):
    """The addresses of a running Jupyter server for each edition; it serves both interfaces."""
    variables = {
        "MNIST_DIR": str(fetch_mnist() / "MNIST" / "raw"),
        "STUDY_CACHE": str(tmp_path_factory.getbasetemp() / "study"),
    }
    return {edition: serve(folder, variables) for edition, folder in editions.items()}


@pytest.fixture(scope="session")
def serve(tmp_path_factory):
    """A function that starts a Jupyter server on a folder, and gives its address."""
    inherited = {name: value for name, value in os.environ.items() if name not in NOT_INHERITED}
    # No question about news over what is looked at.
    quiet = tmp_path_factory.mktemp("settings")
    (quiet / "@jupyterlab" / "apputils-extension").mkdir(parents=True)
    (quiet / "@jupyterlab" / "apputils-extension" / "notification.jupyterlab-settings").write_text(
        '{"fetchNews": "false", "checkForUpdates": false}'
    )
    started = []

    def start(folder, variables):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        settings = {
            "ServerApp.port": port,
            "ServerApp.root_dir": folder,
            "ServerApp.open_browser": False,
            "ServerApp.allow_root": True,
            "IdentityProvider.token": "t",
            "LabApp.news_url": None,
            # For what no button shows: which cells are in the model, and what theme there is.
            "LabApp.expose_app_in_browser": True,
            "JupyterNotebookApp.expose_app_in_browser": True,
        }
        environment = inherited | {
            "RESULTS_DIR": str(tmp_path_factory.mktemp("results")),
            # Nothing of this machine's own settings.
            "JUPYTER_CONFIG_DIR": str(tmp_path_factory.mktemp("config")),
            "JUPYTERLAB_SETTINGS_DIR": str(quiet),
            "JUPYTERLAB_WORKSPACES_DIR": str(tmp_path_factory.mktemp("workspaces")),
            "IPYTHONDIR": str(tmp_path_factory.mktemp("ipython")),
        }
        command = [sys.executable, "-m", "jupyterlab"]
        command += [f"--{name}={value}" for name, value in settings.items()]
        log = (tmp_path_factory.getbasetemp() / f"jupyter-{port}.log").open("w")
        environment |= variables
        started.append(subprocess.Popen(command, env=environment, stdout=log, stderr=log))
        address = f"http://127.0.0.1:{port}"
        _wait_for(address)
        return address

    yield start
    for server in started:
        server.terminate()
    for server in started:
        server.wait(30)


def _wait_for(address, seconds=300):
    for _ in range(seconds):
        try:
            return urlopen(f"{address}/api?token=t").close()
        except OSError:
            time.sleep(1)
    pytest.exit(f"Jupyter does not answer at {address}.", returncode=1)
