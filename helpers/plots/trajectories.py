"""Runs along their way: loss, accuracy and gap on one of the clocks."""

import matplotlib.pyplot as plt

from helpers.plots.style import LABELS, batch_color, finish, one_panel, two_panels


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
    axes = one_panel(title) if axes is None else axes
    for batch_size, runs in rows.groupby("batch_size"):
        over_seeds = runs.groupby(x)[y]
        median = over_seeds.median()
        color = batch_color(batch_size)
        axes.plot(median.index, median, color=color, label=f"B = {batch_size}")
        axes.fill_between(
            median.index, over_seeds.min(), over_seeds.max(), color=color, alpha=0.25, linewidth=0
        )
    axes.set(xlabel=LABELS[x], ylabel=LABELS[y], xscale=xscale, yscale=yscale)
    return finish(axes)


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
    axes = two_panels(title)
    curves(rows, x, "train_loss", "", xscale="log", axes=axes[0])
    optimum = axes[0].axhline(J_best, color="gray", linestyle="--", label="J*, the optimum")
    axes[0].legend(handles=[optimum])  # the right panel has room for the batch sizes
    curves(rows, x, "test_accuracy", "", xscale="log", axes=axes[1])
    return axes


def gaps(runs, title):
    """The gap against iteration for several runs of one batch size.

    Parameters
    ----------
    runs : dict of pandas DataFrames
        By what tells them apart; columns iteration, gap.
    title : str

    Returns
    -------
    axes
    """
    axes = one_panel(title)
    for position, (name, rows) in enumerate(runs.items()):
        later = rows[rows["iteration"] > 0]
        color = plt.cm.cividis(0.75 * (1 - position / max(len(runs) - 1, 1)))
        axes.plot(later["iteration"], later["gap"], color=color, label=name)
    axes.set(xlabel=LABELS["iteration"], ylabel=LABELS["gap"], yscale="log")
    return finish(axes)


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
    axes = two_panels(title)
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
    return finish(axes)
