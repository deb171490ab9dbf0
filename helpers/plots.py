"""Every figure of the notebooks: data in, axes out. Nothing is trained or shown here."""

import matplotlib.pyplot as plt
import numpy as np
from IPython.display import display
from matplotlib.colors import LogNorm
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

# Of implementations: the colours of Okabe and Ito, which the colour-blind can tell apart, and a
# marker for each.
IMPLEMENTATION_STYLES = [
    {"color": color, "marker": marker}
    for color, marker in zip(
        ["#000000", "#E69F00", "#56B4E9", "#009E73", "#D55E00", "#CC79A7", "#0072B2"],
        "osD^vPX",
        strict=True,
    )
]


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
        label="training loss of all images",
    )
    axes.set(xlabel=LABELS["iteration"], ylabel="loss (log scale)", yscale="log", title=title)
    axes.grid(alpha=0.3)
    axes.legend()
    return axes


def sample_records(minibatch_loss, rows, title):
    """Two records of one run side by side: a loss for each minibatch, a norm for each epoch.

    Parameters
    ----------
    minibatch_loss : array (updates,)
    rows : pandas DataFrame
        One row per epoch: iteration, residual_norm (of the last minibatch).
    title : str

    Returns
    -------
    array of two axes
    """
    figure, axes = plt.subplots(1, 2, figsize=(9.5, 3.8), sharex=True, layout="constrained")
    axes[0].plot(minibatch_loss, color=plt.cm.cividis(0.6), linewidth=0.4)
    axes[0].set_ylabel("cross-entropy of the minibatch")
    axes[0].set_title("recorded at every update", fontsize=10)
    axes[1].plot(rows["iteration"], rows["residual_norm"], "o-", color=plt.cm.cividis(0.0))
    axes[1].set_ylabel("norm ‖P − Y‖ of the last minibatch")
    axes[1].set_title("recorded once per epoch", fontsize=10)
    for axis in axes:
        axis.set_xlabel(LABELS["iteration"])
        axis.margins(y=0.1)
        axis.set_ylim(bottom=0)
        axis.grid(alpha=0.3)
    figure.suptitle(title)
    return axes


def weight_differences(runs, title):
    """The largest difference of the weights between two runs against iteration, on log axes.

    Parameters
    ----------
    runs : dict of pandas DataFrames
        By what is compared; columns `iteration` (from 1) and `difference`.
    title : str

    Returns
    -------
    axes
    """
    _, axes = plt.subplots(figsize=(7, 4.2), layout="constrained")
    for (name, rows), style in zip(runs.items(), IMPLEMENTATION_STYLES, strict=False):
        # A difference of exactly 0 has no place on a log axis.
        seen = rows[rows["difference"] > 0]
        axes.plot(seen["iteration"], seen["difference"], markersize=4, label=name, **style)
    axes.set(xscale="log", yscale="log", title=title)
    axes.set(xlabel=f"{LABELS['iteration']}, log scale", ylabel="largest |ΔW| (log scale)")
    axes.grid(alpha=0.3)
    axes.legend(fontsize=8, loc="upper left", bbox_to_anchor=(1, 1))
    return axes


def update_times(times, title):
    """Time of an update against the batch size, a line for each implementation.

    Parameters
    ----------
    times : pandas DataFrame
        µs per update: a row per batch size, a column per implementation.
    title : str

    Returns
    -------
    axes
    """
    _, axes = plt.subplots(figsize=(7, 4.2), layout="constrained")
    for (name, column), style in zip(times.items(), IMPLEMENTATION_STYLES, strict=False):
        axes.plot(column.index, column, label=name, **style)
    guide = times.min(axis=1).iloc[0] * times.index / times.index[0]
    axes.plot(times.index, guide, "--", color="gray", linewidth=1, label="proportional to B")
    axes.set(xscale="log", yscale="log", title=title)
    axes.set(xlabel=f"{LABELS['batch_size']} (log scale)", ylabel="µs per update (log scale)")
    axes.grid(alpha=0.3)
    axes.legend(fontsize=8, loc="upper left", bbox_to_anchor=(1, 1))
    return axes


def learning_rate_map(grid):
    """Validation loss by batch size and learning rate, with the best rate of each batch size.

    Cells above ln(classes) = ln 10, the loss at W = 0, are marked as worse than the start.

    Parameters
    ----------
    grid : pandas DataFrame
        Columns batch_size, learning_rate, validation_loss, one row per cell.

    Returns
    -------
    axes
    """
    table = grid.pivot(index="batch_size", columns="learning_rate", values="validation_loss")
    start = np.log(10)
    _, axes = plt.subplots(figsize=(9, 3.2), layout="constrained")
    colors = plt.cm.cividis.with_extremes(over="white")
    mesh = axes.imshow(table, norm=LogNorm(table.min().min(), start), cmap=colors, aspect="auto")
    axes.figure.colorbar(mesh, ax=axes, label="validation loss (log scale)")
    for i, row in enumerate(table.to_numpy()):
        for j, value in enumerate(row):
            text = f"{value:.3f}" if value <= start else "worse\nthan the\nstart"
            axes.text(
                j,
                i,
                text,
                ha="center",
                va="center",
                fontsize=8 if value <= start else 6,
                color="black" if value > 0.8 else "white",
                fontweight="bold" if value == row.min() else "normal",
            )
        best = row.argmin()
        frame = plt.Rectangle((best - 0.5, i - 0.5), 1, 1, fill=False, edgecolor="red", lw=2)
        axes.add_patch(frame)
    axes.set_xticks(range(table.shape[1]), [f"{rate:.3g}" for rate in table.columns])
    axes.set_yticks(range(len(table)), table.index)
    axes.set(xlabel="learning rate", ylabel=LABELS["batch_size"])
    axes.set_title("The best learning rate (framed) grows with the batch size")
    return axes


def loss_and_accuracy(rows, x, title, J_best):
    """Training loss and test accuracy side by side, one line per batch size, x on a log axis.

    Parameters
    ----------
    rows : pandas DataFrame
        Columns batch_size, seed, iteration, train_loss, test_accuracy, and x.
    x : str
        The clock: "iteration", "examples" or "seconds".
    title : str
    J_best : float
        The optimum of the training loss, drawn as a line.

    Returns
    -------
    array of two axes
    """
    # Zero has no place on a log axis. Clocks differ a little between seeds, so their mean is drawn.
    rows = rows[rows["iteration"] > 0].copy()
    rows[x] = rows.groupby(["batch_size", "iteration"])[x].transform("mean")
    figure, axes = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
    curves(rows, x, "train_loss", "", xscale="log", axes=axes[0])
    axes[0].axhline(J_best, color="gray", linestyle="--", label="J*, the optimum")
    axes[0].legend()
    curves(rows, x, "test_accuracy", "", xscale="log", axes=axes[1])
    figure.suptitle(title)
    return axes


def jumps(histories, title):
    """Cross-entropy of the minibatches and test accuracy of runs at different learning rates.

    Parameters
    ----------
    histories : dict of helpers.sgd.History
        By learning rate.
    title : str

    Returns
    -------
    array of two axes
    """
    figure, axes = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
    largest = max(histories)
    for rate, history in histories.items():
        style = dict(
            color=plt.cm.cividis(0.75 if rate == largest else 0.0), label=f"learning rate {rate:g}"
        )
        axes[0].plot(history.minibatch_loss, linewidth=0.5, **style)
        axes[1].plot(history.iteration[1:], history.test_accuracy[1:], **style)
    axes[0].set(ylabel="cross-entropy of the minibatch (log scale)", yscale="log")
    axes[1].set(ylabel=LABELS["test_accuracy"])
    for axis in axes:
        axis.set_xlabel(LABELS["iteration"])
        axis.grid(alpha=0.3)
        axis.legend()
    figure.suptitle(title)
    return axes
