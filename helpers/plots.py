"""Every figure of the notebooks: data in, axes out. Nothing is trained or shown here."""

import matplotlib.pyplot as plt
import numpy as np
from IPython.display import display
from matplotlib.ticker import PercentFormatter

LARGEST_BATCH_SIZE = 4096

LABELS = {
    "iteration": "iteration t (number of updates)",
    "epoch": "epochs (passes over the training set)",
    "examples": "examples seen",
    "seconds": "seconds spent in updates",
    "batch_size": "batch size B",
    "train_loss": "training loss J(t)",
    "gap": "gap J(t) − J*",
    "test_accuracy": "test accuracy",
}


def batch_color(batch_size):
    """The colour of a batch size, the same in every figure: dark is small, on a log scale.

    The colour map is viridis, ordered in lightness and so safe for the colour-blind; its lightest
    tenth is left out.
    """
    return plt.cm.viridis(0.9 * np.log(batch_size) / np.log(LARGEST_BATCH_SIZE))


def show(axes, alt):
    """Display the figure of `axes` in a notebook, with a text for those who cannot see it.

    Parameters
    ----------
    axes : matplotlib axes or array of them
    alt : str
        What the figure shows, in a sentence.
    """
    figure = np.ravel(axes)[0].figure
    display(figure, metadata={"image/png": {"alt": alt}})
    plt.close(figure)


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
        rows, columns, figsize=(columns * 0.85, rows * 1.05 + 0.4), layout="constrained"
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


def curves(rows, x, y, title, *, xscale="linear", yscale="linear", axes=None):
    """One line per batch size, in its colour; with several seeds their median and their range.

    Parameters
    ----------
    rows : pandas DataFrame
        Columns `batch_size`, x and y; with a column `seed` that has several values, the runs of one
        batch size must share their values of x.
    x, y : str
        Columns to draw; the axes are labelled by `LABELS`.
    title : str
    xscale, yscale : "linear", "log" or "symlog"
    axes : matplotlib axes, optional
        Where to draw; a new figure if not given.

    Returns
    -------
    axes
    """
    if axes is None:
        _, axes = plt.subplots(figsize=(6.4, 4), layout="constrained")
    for batch_size, runs in rows.groupby("batch_size"):
        over_seeds = runs.groupby(x)[y]
        median = over_seeds.median()
        color = batch_color(batch_size)
        axes.plot(median.index, median, color=color, label=f"B = {batch_size}")
        axes.fill_between(
            median.index, over_seeds.min(), over_seeds.max(), color=color, alpha=0.25, linewidth=0
        )
    axes.set(xlabel=LABELS[x], ylabel=LABELS[y], title=title, xscale=xscale, yscale=yscale)
    axes.grid(alpha=0.3)
    axes.legend()
    return axes


def overlay(runs, title):
    """Training loss and test accuracy of several runs against iteration, one over the other.

    Parameters
    ----------
    runs : dict of pandas DataFrames
        By the name of the implementation; columns `iteration`, `train_loss`, `test_accuracy`.
    title : str

    Returns
    -------
    array of two axes
    """
    figure, axes = plt.subplots(1, 2, figsize=(9.5, 3.8), layout="constrained")
    # Thick below thin, so that curves that coincide are both seen.
    widths = np.linspace(6, 1.5, len(runs))
    for axis, column in zip(axes, ["train_loss", "test_accuracy"], strict=True):
        for position, ((name, rows), width) in enumerate(zip(runs.items(), widths, strict=True)):
            color = plt.cm.cividis(1 - position / max(len(runs) - 1, 1))
            axis.plot(rows["iteration"], rows[column], label=name, color=color, linewidth=width)
        axis.set(xlabel=LABELS["iteration"], ylabel=LABELS[column])
        axis.grid(alpha=0.3)
        axis.legend()
    figure.suptitle(title)
    return axes


def two_records(minibatch_loss, rows, title):
    """The loss of each minibatch and the training loss of one run against iteration.

    Parameters
    ----------
    minibatch_loss : array (updates,)
    rows : pandas DataFrame
        Columns `iteration`, `train_loss`.
    title : str

    Returns
    -------
    axes
    """
    _, axes = plt.subplots(figsize=(6.4, 4), layout="constrained")
    axes.plot(
        minibatch_loss, color=plt.cm.cividis(0.75), linewidth=0.4, label="loss of each minibatch"
    )
    axes.plot(
        rows["iteration"],
        rows["train_loss"],
        "o-",
        color=plt.cm.cividis(0.0),
        markersize=4,
        label="training loss after each epoch",
    )
    axes.set(xlabel=LABELS["iteration"], ylabel="loss (log scale)", yscale="log", title=title)
    axes.grid(alpha=0.3)
    axes.legend()
    return axes
