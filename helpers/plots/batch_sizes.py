"""What changes with the batch size: noise, updates, costs."""

import numpy as np

from helpers.plots.style import (
    LABELS,
    batch_axis,
    batch_color,
    batch_marker,
    batch_style,
    finish,
    label_lines,
    log_axis,
    one_panel,
    two_panels,
)


def noise_ball(rows, trace, title):
    """The gap that a constant rate keeps against learning rate / batch size, beside its theory.

    Parameters
    ----------
    rows : pandas DataFrame
        One row per run: batch_size, learning_rate, replace (whether minibatches are drawn with
        replacement), gap.
    trace : float
        tr Σ at the optimum, for the theory η·tr Σ/(4B).
    title : str

    Returns
    -------
    axes
    """
    axes = one_panel(title, (7.4, 4.4))
    ratio = rows["learning_rate"] / rows["batch_size"]
    line = np.array([ratio.min() / 1.3, ratio.max() * 1.3])
    axes.plot(line, line * trace / 4, color="black", label="theory η·tr Σ / 4B", linewidth=1)
    for (B, replace), runs in rows.groupby(["batch_size", "replace"], sort=False):
        color = batch_color(B)
        look = dict(marker=batch_marker(B), edgecolors=color, s=45, zorder=3)
        look |= dict(facecolors=color if replace else "white")
        order = "with replacement" if replace else "fresh permutations"
        axes.scatter(runs["learning_rate"] / B, runs["gap"], **look, label=f"B = {B}, {order}")
    axes.set(xlabel="learning rate / batch size", ylabel="mean gap J − J* near the optimum")
    log_axis(axes.xaxis)
    log_axis(axes.yaxis)
    return finish(axes)


def scaling(rows, noise, title):
    """Updates to the target against the batch size; the gradient noise scale along a run.

    Parameters
    ----------
    rows : pandas DataFrame
        One row per batch size and seed at its best rate: batch_size, updates.
    noise : pandas DataFrame
        One row per checkpoint of a run up to the target: iteration, noise_scale.
    title : str

    Returns
    -------
    array of two axes
    """
    axes = two_panels(title)
    median = _medians_and_ranges(axes[0], rows, "updates")
    ideal = median.iloc[0] * median.index[0] / median.index
    axes[0].plot(median.index, ideal, "--", color="gray", label="perfect scaling ∝ 1/B")
    low, high = noise["noise_scale"].min(), noise["noise_scale"].max()
    axes[0].axvspan(low, high, color="gray", alpha=0.2, label="noise scale along the run")
    axes[0].set(ylabel="updates to the target", ylim=(median.min() / 2, None))
    later = noise[noise["iteration"] > 0]
    axes[1].plot(later["iteration"], later["noise_scale"], "o-", color="black")
    axes[1].set(xlabel=LABELS["iteration"], ylabel="noise scale tr Σ / ‖∇J‖² (examples)")
    for axis in [axes[0].yaxis, axes[1].xaxis, axes[1].yaxis]:
        log_axis(axis)
    return finish(axes)


def costs_to_target(rows, title, within):
    """Examples and seconds to the target against the batch size, median and range over seeds.

    Ringed are the batch sizes whose median seconds are at most `within` times the smallest.

    Parameters
    ----------
    rows : pandas DataFrame
        One row per batch size and seed at its best rate: batch_size, examples, seconds.
    title : str
    within : float

    Returns
    -------
    array of two axes
    """
    axes = two_panels(title)
    for axis, column in zip(axes, ["examples", "seconds"], strict=True):
        median = _medians_and_ranges(axis, rows, column)
        axis.set_ylabel(f"{column} to the target")
        log_axis(axis.yaxis)
    fast = median[median <= within * median.min()]
    ring = dict(s=200, facecolors="none", edgecolors="black")
    axes[1].scatter(fast.index, fast, **ring, label=f"within {within:g} × the fastest")
    return finish(axes)


def _medians_and_ranges(axis, rows, column):
    """Draw median and range over the seeds against the batch size; return the medians."""
    values = rows.groupby("batch_size")[column].agg(["median", "min", "max"])
    median, sizes = values["median"], values.index
    spread = [median - values["min"], values["max"] - median]
    axis.errorbar(sizes, median, spread, color="black", capsize=3, linewidth=1)
    for B, value in median.items():
        axis.scatter(B, value, **batch_style(B), s=50, zorder=3)
    axis.set_yscale("log")
    batch_axis(axis)
    return median


def seconds_by_code(seconds, title):
    """Seconds to ITR against the batch size, a line for each code that makes the updates.

    Parameters
    ----------
    seconds : pandas DataFrame
        A row per batch size, a column per code.
    title : str

    Returns
    -------
    axes
    """
    axes = one_panel(title, (7.4, 4))
    looks = [("black", "o"), ("#0072B2", "s")]
    for (name, column), (color, marker) in zip(seconds.items(), looks, strict=False):
        style = dict(color=color, marker=marker, markersize=8, clip_on=False)
        axes.plot(column.index, column, **style, label=name)
    axes.margins(x=0)  # so that the names of the lines stand outside
    batch_axis(axes)
    log_axis(axes.yaxis)
    axes.set_ylabel("seconds spent in updates until ITR")
    axes.grid(alpha=0.3)
    label_lines(axes)
    return axes


def collapse(rows, title):
    """The gap of all batch sizes against epochs, and against iterations; a line per seed.

    Parameters
    ----------
    rows : pandas DataFrame
        Columns batch_size, seed, epoch, iteration, gap.
    title : str

    Returns
    -------
    array of two axes
    """
    axes = two_panels(title, sharey=True)
    rows = rows[rows["iteration"] > 0]
    styles = dict(zip(rows["seed"].unique(), ["-", "--", ":", "-."], strict=False))
    # Wide below narrow, so that curves that coincide are all seen.
    widths = dict(zip(sorted(rows["batch_size"].unique()), [6, 4, 2.5, 1.2], strict=False))
    for axis, x in zip(axes, ["epoch", "iteration"], strict=True):
        for (batch_size, seed), run in rows.groupby(["batch_size", "seed"]):
            style = batch_style(batch_size) | dict(linewidth=widths[batch_size])
            style |= dict(markevery=(0.1, 0.3), markersize=5)
            label = f"B = {batch_size}" if styles[seed] == "-" and x == "epoch" else None
            axis.plot(run[x], run["gap"], linestyle=styles[seed], label=label, **style)
        axis.set(xlabel=LABELS[x], ylabel=LABELS["gap"])
    log_axis(axes[0].yaxis)
    log_axis(axes[1].xaxis)
    return finish(axes)
