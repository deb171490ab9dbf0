"""Runs along their way: loss, accuracy and gap on one of the clocks."""

import numpy as np
from matplotlib.ticker import FixedLocator, NullLocator

from helpers.plots.style import (
    LABELS,
    batch_style,
    finish,
    label_lines,
    log_axis,
    one_panel,
    plain_number,
    two_panels,
)


def curves(rows, x, y, title, *, xscale="linear", yscale="linear", axes=None):
    """One line per batch size, in its color; with several seeds their median and their range.

    Parameters
    ----------
    rows : pandas DataFrame
        Columns `batch_size`, x and y; with a column `seed` that has several values, the runs of one
        batch size must share their values of x.
    x, y : str
        Columns to draw; the axes are labeled by `LABELS`.
    title : str
    xscale, yscale : "linear" or "log"
    axes : matplotlib axes, optional
        Where to draw; a new figure if not given.

    Returns
    -------
    axes
    """
    axes = one_panel(title) if axes is None else axes
    for batch_size, runs in rows.groupby("batch_size"):
        over_seeds = runs.groupby(x)[y]
        median = over_seeds.median()
        style = batch_style(batch_size) | dict(markersize=5, markevery=(0.02, 0.12))
        axes.plot(median.index, median, **style, label=f"B = {batch_size}")
        band = dict(color=style["color"], alpha=0.25, linewidth=0)
        axes.fill_between(median.index, over_seeds.min(), over_seeds.max(), **band)
    axes.set(xlabel=LABELS[x], ylabel=LABELS[y])
    for axis, scale in [(axes.xaxis, xscale), (axes.yaxis, yscale)]:
        if scale == "log":
            log_axis(axis)
    return finish(axes)


def loss_and_accuracy(rows, x, title, J_best, accuracy_best=None, standard_error=0.0):
    """Training loss and test accuracy side by side, one line per batch size, x on a log axis.

    The accuracy axis is logarithmic in the share of errors, so that the last tenths of a point are
    seen beside the first steps.

    Parameters
    ----------
    rows : pandas DataFrame
        Columns batch_size, iteration, train_loss, test_accuracy, and x; seed where there are
        several.
    x : str
        The clock: "iteration", "examples" or "seconds".
    title : str
    J_best : float
        The optimum of the training loss, drawn as a line.
    accuracy_best, standard_error : float
        The test accuracy of the optimum and its standard error, drawn as a line and a band.

    Returns
    -------
    array of two axes
    """
    # Zero has no place on a log axis. Clocks differ a little between seeds, so their mean is drawn.
    rows = rows[rows["iteration"] > 0].copy()
    rows[x] = rows.groupby(["batch_size", "iteration"])[x].transform("mean")
    axes = two_panels(title)
    curves(rows, x, "train_loss", "", xscale="log", yscale="log", axes=axes[0])
    axes[0].axhline(J_best, color="gray", linestyle="--", label="the optimum")
    _errors_on_log_axis(axes[1])
    curves(rows, x, "test_accuracy", "", xscale="log", axes=axes[1])
    axes[1].set_ylabel(f"{LABELS['test_accuracy']} (log scale of the errors)")
    if accuracy_best is not None:
        band = accuracy_best - standard_error, accuracy_best + standard_error
        axes[1].axhspan(*band, color="gray", alpha=0.3, linewidth=0)
        axes[1].axhline(accuracy_best, color="gray", linestyle="--")
    # One legend for both, below them: inside it would lie on a curve on one of the clocks.
    names = axes[0].get_legend_handles_labels()
    axes[0].figure.legend(*names, loc="outside lower center", ncols=len(names[0]))
    for axis in axes:
        axis.get_legend().remove()
    return axes


def _errors_on_log_axis(axes):
    forward, back = (lambda a: -np.log(np.maximum(1 - a, 1e-4))), (lambda a: 1 - np.exp(-a))
    axes.set_yscale("function", functions=(forward, back))
    axes.yaxis.set_major_locator(FixedLocator([0.1, 0.5, 0.7, 0.8, 0.87, 0.9, 0.93]))
    axes.yaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_formatter(plain_number)


def gaps(runs, title, level=None):
    """The gap against iteration for several runs of one batch size.

    Parameters
    ----------
    runs : dict of pandas DataFrames
        By what tells them apart; columns iteration, gap.
    title : str
    level : pair (str, float), optional
        Name and height of a line for comparison.

    Returns
    -------
    axes
    """
    axes = one_panel(title, (7.4, 4))
    for (name, rows), color in zip(runs.items(), ["black", "#D55E00", "#0072B2"], strict=False):
        later = rows[rows["iteration"] > 0]
        axes.plot(later["iteration"], later["gap"], color=color, label=name)
    log_axis(axes.yaxis)
    axes.margins(x=0)
    axes.set(xlabel=LABELS["iteration"], ylabel=LABELS["gap"])
    axes.xaxis.set_major_formatter(plain_number)
    if level:
        name, height = level
        axes.axhline(height, color="gray", linestyle="--")
        axes.annotate(name, (1, height), (-4, 4), xycoords=("axes fraction", "data"),
                      textcoords="offset points", ha="right", color="dimgray")  # fmt: skip
    axes.grid(alpha=0.3)
    label_lines(axes)
    return axes


def jumps(runs, title):
    """Training loss and test accuracy of runs that behave differently.

    Parameters
    ----------
    runs : dict of pandas DataFrames
        By what tells them apart; columns epoch, train_loss, test_accuracy.
    title : str

    Returns
    -------
    array of two axes
    """
    axes = two_panels(title)
    looks = zip(["#D55E00", "black", "#0072B2"], "osD", strict=True)
    for (name, rows), (color, marker) in zip(runs.items(), looks, strict=False):
        for axis, column in zip(axes, ["train_loss", "test_accuracy"], strict=True):
            style = dict(color=color, marker=marker, markersize=4, markevery=5, linewidth=1.2)
            axis.plot(rows["epoch"], rows[column], label=name, **style)
            axis.set(xlabel=LABELS["epoch"], ylabel=LABELS[column])
    log_axis(axes[0].yaxis)
    finish(axes)
    axes[0].get_legend().remove()  # the right panel's is enough
    return axes
