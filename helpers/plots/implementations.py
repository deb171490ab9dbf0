"""Implementations side by side."""

import matplotlib.pyplot as plt
import numpy as np

from helpers.plots.style import LABELS, finish, one_panel, two_panels

# The colours of Okabe and Ito, which the colour-blind can tell apart, and a marker for each.
IMPLEMENTATION_STYLES = [
    {"color": color, "marker": marker}
    for color, marker in zip(
        ["#000000", "#E69F00", "#56B4E9", "#009E73", "#D55E00", "#CC79A7", "#0072B2"],
        "osD^vPX",
        strict=True,
    )
]
OUTSIDE = dict(fontsize=8, loc="upper left", bbox_to_anchor=(1, 1))  # a legend beside the axes


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
    axes = two_panels(title)
    # Thick below thin, so that curves that coincide are both seen.
    widths = np.linspace(6, 1.5, len(runs))
    for axis, column in zip(axes, ["train_loss", "test_accuracy"], strict=True):
        for position, ((name, rows), width) in enumerate(zip(runs.items(), widths, strict=True)):
            color = plt.cm.cividis(1 - position / max(len(runs) - 1, 1))
            axis.plot(rows["iteration"], rows[column], label=name, color=color, linewidth=width)
        axis.set(xlabel=LABELS["iteration"], ylabel=LABELS[column])
    return finish(axes)


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
    axes = one_panel(title)
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
    axes.set(xlabel=LABELS["iteration"], ylabel="loss (log scale)", yscale="log")
    return finish(axes)


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
    axes = two_panels(title, sharex=True)
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
    return finish(axes)


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
    axes = one_panel(title, (7, 4.2))
    for (name, rows), style in zip(runs.items(), IMPLEMENTATION_STYLES, strict=False):
        # A difference of exactly 0 has no place on a log axis.
        seen = rows[rows["difference"] > 0]
        axes.plot(seen["iteration"], seen["difference"], markersize=4, label=name, **style)
    axes.set(xscale="log", yscale="log")
    axes.set(xlabel=f"{LABELS['iteration']}, log scale", ylabel="largest |ΔW| (log scale)")
    return finish(axes, **OUTSIDE)


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
    axes = one_panel(title, (7, 4.2))
    for (name, column), style in zip(times.items(), IMPLEMENTATION_STYLES, strict=False):
        axes.plot(column.index, column, label=name, **style)
    guide = times.min(axis=1).iloc[0] * times.index / times.index[0]
    axes.plot(times.index, guide, "--", color="gray", linewidth=1, label="proportional to B")
    axes.set(xscale="log", yscale="log")
    axes.set(xlabel=f"{LABELS['batch_size']} (log scale)", ylabel="µs per update (log scale)")
    return finish(axes, **OUTSIDE)
