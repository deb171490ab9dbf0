"""Pictures of the images and the weights, and what the classes hold."""

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.ticker import PercentFormatter

from helpers.plots.style import one_panel


def image_grid(images, titles, columns=10, title=""):
    """Gray-scale pictures in rows of `columns`.

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
    lines = max(str(text).count("\n") + 1 for text in titles)
    size = columns * 0.85, rows * (0.85 + 0.2 * lines) + 0.4
    figure, axes = plt.subplots(rows, columns, figsize=size, layout="constrained", squeeze=False)
    for axis in axes.flat:
        axis.axis("off")
    for axis, image, text in zip(axes.flat, images, titles, strict=False):
        axis.imshow(image, cmap="gray_r")
        axis.set_title(text, fontsize=9)
    figure.suptitle(title)
    return axes


def weight_images(W, title, side=28, within=0.995):
    """The weights of each class as a picture: red speaks for the class, blue against it.

    A few weights may be far larger than all others. So the colors end where the share `within` of
    all weights ends, and the largest ones are no redder or bluer than that.

    Parameters
    ----------
    W : array (side², classes)
    title : str
    side : int
        Height and width of the images in pixels.
    within : float
        Share of the weights inside of the scale of colors.

    Returns
    -------
    array of axes
    """
    figure, axes = plt.subplots(
        2, -(-W.shape[1] // 2), figsize=(8, 3.6), layout="constrained", squeeze=False
    )
    limit = np.quantile(np.abs(W), within)
    for axis in axes.flat:
        axis.axis("off")
    for k, (weights, axis) in enumerate(zip(W.T, axes.flat, strict=False)):
        picture = axis.imshow(weights.reshape(side, side), cmap="RdBu_r", vmin=-limit, vmax=limit)
        axis.set_title(f"class {k}", fontsize=10)
    figure.colorbar(picture, ax=axes, label="weight", shrink=0.8, extend="both")
    figure.suptitle(title)
    return axes


def class_balance(counts):
    """Bars of the number of examples in each class, a color for each part of the data.

    Parameters
    ----------
    counts : pandas DataFrame
        One row per class, one column per part (training, test).

    Returns
    -------
    axes
    """
    share = counts / counts.sum()
    axes = one_panel("The ten classes are nearly balanced", (7, 3.2))
    colors = [plt.cm.viridis(0.15), plt.cm.viridis(0.7)]
    share.plot.bar(ax=axes, color=colors, rot=0, width=0.75)
    axes.axhline(1 / len(share), color="black", linestyle="--", linewidth=1, label="equal shares")
    axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    axes.set(xlabel="digit", ylabel="share of the examples", ylim=(0, 1.3 * share.to_numpy().max()))
    axes.legend(loc="upper center", ncols=3)
    return axes


def confusion(table, title):
    """How often each class is taken for each other one, as numbers in a table of colors.

    The color is for mistakes: those on the diagonal, where the answer is right, stay white.

    Parameters
    ----------
    table : int array (classes, classes)
        Number of examples by true class (row) and predicted class (column).
    title : str

    Returns
    -------
    axes
    """
    axes = one_panel(title, (5.6, 4.8))
    mistakes = np.where(np.eye(len(table), dtype=bool), 0, table)
    axes.imshow(mistakes, cmap="Purples")
    for (row, column), count in np.ndenumerate(table):
        dark = mistakes[row, column] > 0.6 * mistakes.max()
        weight = "bold" if row == column else "normal"
        axes.text(
            column, row, count, ha="center", va="center", fontsize=9, fontweight=weight,
            color="white" if dark else "black",
        )  # fmt: skip
    classes = range(len(table))
    axes.set(xlabel="predicted class", ylabel="true class", xticks=classes, yticks=classes)
    return axes
