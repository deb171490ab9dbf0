"""Pictures of the images and the weights, and what the classes hold."""

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.ticker import PercentFormatter


def image_grid(images, titles, columns=10, title=""):
    """Grey-scale pictures in rows of `columns`.

    Parameters
    ----------
    images : array (n, height, width)
    titles : sequence of n
        Written above each picture.
    columns : int
    title : str

    Returns
    -------
    array of axes
    """
    rows = -(-len(images) // columns)
    figure, axes = plt.subplots(
        rows,
        columns,
        figsize=(columns * 0.85, rows * 1.05 + 0.4),
        layout="constrained",
        squeeze=False,
    )
    for axis in axes.flat:
        axis.axis("off")
    for axis, image, text in zip(axes.flat, images, titles, strict=False):
        axis.imshow(image, cmap="gray_r")
        axis.set_title(text, fontsize=9)
    figure.suptitle(title)
    return axes


def weight_images(W, side=28):
    """The weights of each class as a picture: red speaks for the class, blue against it.

    Parameters
    ----------
    W : array (side², classes)
    side : int
        Height and width of the images in pixels.

    Returns
    -------
    array of axes
    """
    num_classes = W.shape[1]
    figure, axes = plt.subplots(
        2, -(-num_classes // 2), figsize=(8, 3.6), layout="constrained", squeeze=False
    )
    largest = np.abs(W).max()
    for axis in axes.flat:
        axis.axis("off")
    for k, axis in zip(range(num_classes), axes.flat, strict=False):
        picture = axis.imshow(
            W[:, k].reshape(side, side), cmap="RdBu_r", vmin=-largest, vmax=largest
        )
        axis.set_title(f"class {k}", fontsize=9)
    figure.colorbar(picture, ax=axes, label="weight", shrink=0.8)
    figure.suptitle("Each class has learnt a template of its digit")
    return axes


def class_balance(counts):
    """Bars of the number of examples in each class, a colour for each part of the data.

    Parameters
    ----------
    counts : pandas DataFrame
        One row per class, one column per part (training, test).

    Returns
    -------
    axes
    """
    share = counts / counts.sum()
    axes = share.plot.bar(
        figsize=(7, 3), color=[plt.cm.viridis(0.15), plt.cm.viridis(0.7)], rot=0, width=0.75
    )
    axes.axhline(1 / len(share), color="gray", linestyle="--", linewidth=1, label="equal shares")
    axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    axes.set(xlabel="digit", ylabel="share of the examples")
    axes.set_title("The ten classes are nearly balanced")
    axes.legend(loc="lower right")
    return axes
