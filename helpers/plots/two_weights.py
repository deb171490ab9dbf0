"""A run of SGD that can be looked at: two weights, the objective as a map, the way as a line."""

import numpy as np

from helpers.plots.style import LARGEST_BATCH_SIZE, batch_color, two_panels


def two_weights(landscape, best, panels, title):
    """Paths of two batch sizes over the contours of the objective, a panel for each learning rate.

    Parameters
    ----------
    landscape : (w1, w2, J)
        The axes of a grid, (m,) and (n,), and the objective on it, (n, m).
    best : (w1, w2)
        Where the objective is lowest.
    panels : dict
        By the title of the two panels a dictionary of paths, arrays (updates + 1, 2), by their
        name; the first of them is drawn dark and thin, the last light and thick.
    title : str

    Returns
    -------
    array of two axes
    """
    w1, w2, J = landscape
    axes = two_panels(title, (9.5, 3.8), sharex=True, sharey=True)
    lowest = J.min()
    levels = lowest + (J.max() - lowest) * np.linspace(0.03, 1, 12) ** 2
    for axis, (name, paths) in zip(axes, panels.items(), strict=True):
        axis.contour(w1, w2, J, levels, colors="gray", linewidths=0.6, alpha=0.7)
        styles = [
            dict(color=batch_color(1), linewidth=0.8, markersize=2.5, zorder=3),
            dict(color=batch_color(LARGEST_BATCH_SIZE), linewidth=2.5, markersize=4, zorder=2),
        ]
        for (label, path), look in zip(paths.items(), styles, strict=True):
            axis.plot(*path.T, "o-", label=label, **look)
        axis.plot(*best, "*", color="black", markersize=14, label="lowest point", zorder=4)
        axis.set(xlim=w1[[0, -1]], ylim=w2[[0, -1]], xlabel="weight of the ink on the left")
        axis.set_title(name, fontsize=11)
    axes[0].set_ylabel("weight of the ink on the right")
    axes[0].legend(loc="lower left")
    return axes
