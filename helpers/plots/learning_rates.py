"""Which learning rate suits which batch size."""

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.colors import LogNorm

from helpers.plots.style import LABELS, batch_color, finish, one_panel, two_panels


def learning_rate_map(grid, guides):
    """Validation loss by batch size and learning rate, with the best rate of each batch size.

    Cells above ln(classes) = ln 10, the loss at W = 0, are marked as worse than the start.

    Parameters
    ----------
    grid : pandas DataFrame
        Columns batch_size, learning_rate, validation_loss; the rates are spaced by factors of two.
        A cell shows the geometric mean over seeds; one that was not measured stays empty.
    guides : dict
        Learning rates to draw as vertical lines, by what they are.

    Returns
    -------
    axes
    """
    table = grid.pivot_table(
        "validation_loss", "batch_size", "learning_rate", aggfunc=lambda x: np.exp(np.log(x).mean())
    )
    start = np.log(10)
    axes = one_panel("The best learning rate (framed) grows with the batch size", (9, 3.2))
    colors = plt.cm.cividis.with_extremes(over="white")
    mesh = axes.imshow(table, norm=LogNorm(table.min().min(), start), cmap=colors, aspect="auto")
    axes.figure.colorbar(mesh, ax=axes, label="validation loss (log scale)")
    for i, row in enumerate(table.to_numpy()):
        for j, value in enumerate(row):
            if np.isnan(value):
                continue
            text = f"{value:.3f}" if value <= start else "worse\nthan the\nstart"
            axes.text(
                j,
                i,
                text,
                ha="center",
                va="center",
                fontsize=8 if value <= start else 6,
                color="black" if value > 0.8 else "white",
                fontweight="bold" if value == np.nanmin(row) else "normal",
            )
        best = np.nanargmin(row)
        frame = plt.Rectangle((best - 0.5, i - 0.5), 1, 1, fill=False, edgecolor="red", lw=2)
        axes.add_patch(frame)
    for (name, rate), style in zip(guides.items(), ["--", ":"], strict=False):
        axes.axvline(np.log2(rate / table.columns[0]), color="red", linestyle=style, label=name)
    if guides:
        axes.legend(loc="upper left", bbox_to_anchor=(0, -0.22), ncols=2, fontsize=8)
    axes.set_xticks(range(table.shape[1]), [f"{rate:.3g}" for rate in table.columns])
    axes.set_yticks(range(len(table)), table.index)
    axes.set(xlabel="learning rate", ylabel=LABELS["batch_size"])
    return axes


def rate_scaling(learning_rates, title, fit_up_to):
    """The best learning rate against the batch size, with linear and square-root guides.

    Parameters
    ----------
    learning_rates : pandas Series
        By batch size.
    title : str
    fit_up_to : int
        The slope is fitted to the batch sizes up to this one.

    Returns
    -------
    axes, slope : axes and float
        The slope of log(rate) over log(B).
    """
    sizes, rates = learning_rates.index.to_numpy(float), learning_rates.to_numpy()
    fitted = sizes <= fit_up_to
    slope, intercept = np.polyfit(np.log(sizes[fitted]), np.log(rates[fitted]), 1)
    axes = one_panel(title)
    for power, style, name in [(1, "--", "∝ B (linear)"), (0.5, ":", "∝ √B")]:
        guide = rates[0] * (sizes / sizes[0]) ** power
        axes.plot(sizes, guide, style, color="gray", label=name)
    line = np.exp(intercept) * sizes[fitted] ** slope
    axes.plot(sizes[fitted], line, color="black", label=f"fit up to B = {fit_up_to}")
    axes.scatter(sizes, rates, color=[batch_color(B) for B in sizes], s=60, zorder=3)
    axes.set(xlabel=LABELS["batch_size"], ylabel="best learning rate")
    axes.set(xscale="log", yscale="log", ylim=(rates.min() / 2, rates.max() * 4))
    return finish(axes), slope


def learning_rate_curves(rows, batch_size, learning_rate):
    """Training loss and accuracy of one batch size: one learning rate in colour, the others grey.

    With several seeds, their medians.

    Parameters
    ----------
    rows : pandas DataFrame
        Columns batch_size, learning_rate, epoch, train_loss, test_accuracy.
    batch_size, learning_rate : numbers
        The run to show in colour.

    Returns
    -------
    array of two axes
    """
    axes = two_panels(f"B = {batch_size}: the highlighted rate among the others")
    for rate, runs in rows[rows["batch_size"] == batch_size].groupby("learning_rate"):
        chosen = np.isclose(rate, learning_rate)
        style = {"color": batch_color(batch_size), "linewidth": 2.5, "zorder": 3} if chosen else {}
        for axis, column in zip(axes, ["train_loss", "test_accuracy"], strict=True):
            label = f"learning rate {rate:g}" if chosen else None
            median = runs.groupby("epoch")[column].median()
            axis.plot(median, **{"color": "lightgray", "linewidth": 1, **style}, label=label)
    axes[0].set(ylabel="training loss (log scale)", yscale="log", ylim=(0.2, 5))
    axes[1].set(ylabel="accuracy on the validation images", ylim=(0.7, 0.95))
    for axis in axes:
        axis.set_xlabel(LABELS["epoch"])
    return finish(axes)
