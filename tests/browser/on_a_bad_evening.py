"""The network is cut, the disk is full, the kernel is restarted: one message, and nothing is lost.

Part of `make browser`.
"""

import gzip
import os
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from actions import (
    SCREENSHOTS,
    accept,
    error_of,
    executed,
    failed,
    notebook,
    opened,
    press,
    restart,
    restart_and_run_all,
    run_from,
    select,
    wait_until_idle,
    wait_until_running,
    write,
)
from conftest import checkout

from helpers.data import fetch_mnist

MNIST = fetch_mnist() / "MNIST" / "raw"
FULL = "No space left on device"


@pytest.fixture
def folder(tmp_path):
    """A checkout of the worked edition, with an empty data folder."""
    (tmp_path / "data").mkdir()
    return checkout(tmp_path)


@pytest.fixture
def network():
    """A proxy that knows one of the mirrors; `whole = False` cuts the files in the middle."""

    class Mirror(BaseHTTPRequestHandler):
        def do_GET(self):
            name = self.path.rpartition("/")[2].removesuffix(".gz")
            content = gzip.compress((MNIST / name).read_bytes(), 1)
            self.send_response(200)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content if server.whole else content[: len(content) // 2])

        def log_message(self, *_):
            """Nothing on stderr."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Mirror) as server:
        server.whole = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


def through(network):
    """Environment variables under which nothing but this network is there, and no data set."""
    address = f"http://127.0.0.1:{network.server_address[1]}"
    names = ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "npm_config_proxy")
    return {"MNIST_DIR": "", "no_proxy": "", "NO_PROXY": ""} | dict.fromkeys(names, address)


@pytest.fixture
def small_disk():
    """A function that makes a folder a disk of its own, or gives it another size."""
    mounted = []

    def mount(folder, size):
        options = f"{'remount,' if folder in mounted else ''}size={size}"
        command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", folder]
        if os.name != "posix" or subprocess.run(command, capture_output=True).returncode:
            pytest.skip("a small disk can be mounted on Linux, by root")
        mounted.append(folder)

    yield mount
    for folder in {*mounted}:
        subprocess.run(["umount", "--lazy", folder], check=True)


def files_in(folder):
    return sorted(path.name for path in folder.rglob("*") if path.is_file())


def test_the_network_is_cut_in_the_middle_of_the_download(browser, serve, folder, network):
    address = serve(folder, through(network))
    network.whole = False
    with opened(browser, address, "lab", "01_data_preparation") as page:
        restart_and_run_all(page)
        assert failed(page) == ["datasets"] == executed(page)[-1:]
        said = error_of(page, "datasets")
        assert "connection ended after" in said and len(said.splitlines()) <= 8, said
        assert files_in(folder / "data") == []
        select(page, "datasets")
        page.screenshot(path=SCREENSHOTS / "no-network.png")
        network.whole = True
        run_from(page, "datasets")
        assert not failed(page)
    assert len(files_in(folder / "data")) == 8  # as they came, and unpacked


def test_the_disk_is_full_in_the_middle_of_the_download(
    browser, serve, folder, network, small_disk
):
    small_disk(folder / "data", "20m")
    address = serve(folder, through(network))
    with opened(browser, address, "lab", "01_data_preparation") as page:
        restart_and_run_all(page)
        assert failed(page) == ["datasets"] == executed(page)[-1:]
        said = error_of(page, "datasets")
        assert FULL in said and len(said.splitlines()) <= 8, said
        assert files_in(folder / "data") == []
        select(page, "datasets")
        page.screenshot(path=SCREENSHOTS / "disk-full.png")
        small_disk(folder / "data", "200m")
        run_from(page, "datasets")
        assert not failed(page)


def test_there_is_no_room_to_keep_the_runs_of_a_study(browser, serve, folder, small_disk):
    small_disk(folder / "data", "8k")
    address = serve(folder, {"MNIST_DIR": str(MNIST), "STUDY_CACHE": ""})
    with opened(browser, address, "lab", "03_batch_size_study") as page:
        restart_and_run_all(page)
        assert not failed(page)
        said = [
            o
            for cell in notebook(page).cells
            for o in cell.get("outputs", [])
            if o.get("name") == "stderr"
        ]
        assert len(said) == 1 and FULL in said[0].text
        assert files_in(folder / "data") == []


def test_there_is_no_room_to_save_a_notebook(browser, serve, folder, small_disk):
    name = "01_data_preparation"
    path = folder / "notebooks" / f"{name}.ipynb"
    stored = path.read_text("utf-8")
    small_disk(path.parent, 4 * len(stored))
    path.write_text(stored, "utf-8")
    address = serve(folder, {"MNIST_DIR": str(MNIST)})
    filler = path.with_name("filler")
    with opened(browser, address, "lab", name) as page:
        with pytest.raises(OSError, match=FULL), filler.open("wb", buffering=0) as file:
            while file.write(bytes(2**12)):
                """Until there is no room for the notebook, nor for a page of it."""
        write(page, "q1-preprocess-data", "an_answer = 'typed with care'")
        press(page, "docmanager:save")
        page.locator(".jp-Dialog").wait_for()
        page.screenshot(path=SCREENSHOTS / "no-room-to-save.png")
        assert "Save Error" in accept(page)
        assert path.read_text("utf-8") == stored
        filler.unlink()
        press(page, "docmanager:save")
        page.wait_for_timeout(2000)
    assert "typed with care" in path.read_text("utf-8")


def test_the_kernel_is_restarted_in_the_middle(browser, servers):
    name, training = "02_hand_coded_sgd", "cell-27"
    with opened(browser, servers["worked"], "lab", name) as page:
        restart_and_run_all(page, wait=False)
        wait_until_running(page, training)
        restart(page)
        wait_until_idle(page)
        run_from(page, training)
        said = error_of(page, training).splitlines()
        assert said[-1].startswith("NameError") and len(said) <= 15, said
        page.screenshot(path=SCREENSHOTS / "restarted.png")
        restart_and_run_all(page)
        assert not failed(page)
