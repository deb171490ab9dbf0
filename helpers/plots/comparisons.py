"""Differences between batch sizes, real and apparent."""

import numpy as np

from helpers.plots.style import batch_axis, batch_style, finish, log_axis, one_panel


def differences(table, title):
    """Mean differences of test accuracy with two kinds of intervals, in percentage points.

    Parameters
    ----------
    table : pandas DataFrame
        Columns mean, and low, high of the interval over seeds and image_low, image_high of that
        over test images (percentage points); the index names the comparison.
    title : str

    Returns
    -------
    axes
    """
    axes = one_panel(title, (8, 0.7 * len(table) + 1.6))
    positions = np.arange(len(table))[::-1]
    kinds = [("low", "high", 0.12, "o", "black", "over seeds")]
    kinds += [("image_low", "image_high", -0.12, "s", "#0072B2", "over test images")]
    for low, high, shift, marker, color, name in kinds:
        spread = [table["mean"] - table[low], table[high] - table["mean"]]
        look = dict(fmt=marker, color=color, capsize=4, label=f"interval {name}")
        axes.errorbar(table["mean"], positions + shift, xerr=spread, **look)
    axes.axvline(0, color="gray", linestyle="--")
    axes.set_yticks(positions, table.index)
    axes.set_ylim(-0.5, len(table) - 0.5)
    axes.set_xlabel("difference of test accuracy (percentage points)")
    axes.grid(alpha=0.3, axis="x")
    axes.legend(loc="upper left", bbox_to_anchor=(1, 1))
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
    axes = one_panel(title, (7, 4))
    sizes = table.index.to_numpy()
    guide = table["norm"].iloc[-1] * np.sqrt(sizes / sizes[-1])
    axes.plot(sizes, guide, "--", color="gray", label="∝ √B")
    axes.plot(sizes, table["norm"], color="black", linewidth=1, label="norm ‖P − Y‖")
    axes.plot(sizes, table["cross_entropy"], color="#D55E00", lw=1, label="mean cross-entropy")
    for column in ["norm", "cross_entropy"]:
        for B, value in table[column].items():
            axes.scatter(B, value, **batch_style(B), s=60, zorder=3)
    batch_axis(axes)
    axes.set_ylabel("mean over minibatches")
    log_axis(axes.yaxis)
    return finish(axes)
