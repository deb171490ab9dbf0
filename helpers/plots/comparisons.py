"""Differences between batch sizes, real and apparent."""

import numpy as np

from helpers.plots.style import LABELS, batch_color, finish, one_panel


def differences(table, title):
    """Mean differences of test accuracy with their confidence intervals, in percentage points.

    Parameters
    ----------
    table : pandas DataFrame
        Columns mean, low, high (percentage points); the index names the comparison.
    title : str

    Returns
    -------
    axes
    """
    axes = one_panel(title, (7, 0.5 * len(table) + 1.2))
    positions = np.arange(len(table))[::-1]
    spread = [table["mean"] - table["low"], table["high"] - table["mean"]]
    axes.errorbar(table["mean"], positions, xerr=spread, fmt="o", color="black", capsize=4)
    axes.axvline(0, color="gray", linestyle="--")
    axes.set_yticks(positions, table.index)
    axes.set_ylim(-0.5, len(table) - 0.5)
    axes.set_xlabel("difference of test accuracy (percentage points), 95 % interval")
    axes.grid(alpha=0.3, axis="x")
    return axes


def residual_norms(table, title):
    """‖P − Y‖ over minibatches of one and the same model against the batch size, beside √B.

    Parameters
    ----------
    table : pandas DataFrame
        One row per batch size (index): norm, cross_entropy, both means over minibatches.
    title : str

    Returns
    -------
    axes
    """
    axes = one_panel(title)
    sizes = table.index.to_numpy()
    guide = table["norm"].iloc[-1] * np.sqrt(sizes / sizes[-1])
    axes.plot(sizes, guide, "--", color="gray", label="∝ √B")
    colors = [batch_color(B) for B in sizes]
    axes.scatter(sizes, table["norm"], color=colors, s=60, label="‖P − Y‖", zorder=3)
    axes.scatter(
        sizes, table["cross_entropy"], color=colors, marker="s", label="mean cross-entropy"
    )
    axes.set(xscale="log", yscale="log", xlabel=LABELS["batch_size"])
    axes.set_ylabel("mean over minibatches (log scale)")
    return finish(axes)
