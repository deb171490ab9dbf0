"""The objective on a plane through the start and the optimum, and the runs that cross it."""

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.animation import FuncAnimation
from scipy.interpolate import RectBivariateSpline

from helpers.plots.style import batch_style, one_panel, plain_number

FRAMES, FRAMES_PER_SECOND = 24, 6
NO_PICTURE = "data:image/gif;base64,R0lGODlhAQABAAAAACwAAAAAAQABAAA="


def slice_of_objective(plane, J, runs, title):
    """Contours of J on the plane, and the projections of runs on it.

    Parameters
    ----------
    plane : pair of arrays (m,), (n,)
        Coordinates along the way from the start (0) to the optimum (1), and across it in the same
        unit.
    J : array (n, m)
    runs : dict
        By batch size an array (checkpoints, 2) of coordinates.
    title : str

    Returns
    -------
    axes
    """
    axes = one_panel(title, (9, 4.5))
    x, y = plane
    # J is smooth, so few points of it are enough for smooth lines.
    fine_x, fine_y = np.linspace(x[0], x[-1], 200), np.linspace(y[0], y[-1], 100)
    fine_J = RectBivariateSpline(y, x, J)(fine_y, fine_x)
    # Dense where J is flat, which is where the runs spend their time.
    levels = J.min() + np.geomspace(0.01, J.max() - J.min(), 12)
    lines = axes.contour(fine_x, fine_y, fine_J, levels, colors="silver", linewidths=0.8)
    axes.clabel(lines, levels[::2], fmt=lambda value: plain_number(round(value, 2)), fontsize=9)
    for B, points in runs.items():
        style = batch_style(B) | dict(markersize=6, linewidth=1.3, markevery=0.12)
        axes.plot(*points.T, **style, label=f"B = {B}")
    for B, points in runs.items():  # larger marks where the runs end
        axes.plot(*points[-1], **batch_style(B), markersize=10, markeredgecolor="black")
    axes.plot(0, 0, "X", color="black", markersize=10)
    axes.annotate("start", (0, 0), (0, -16), textcoords="offset points", ha="center")
    axes.plot(1, 0, "*", color="red", markersize=16)
    axes.annotate("optimum", (1, 0), (0, -18), textcoords="offset points", ha="center")
    axes.set(xlabel="along the way from the start (0) to the optimum (1)")
    axes.set(ylabel="across it (same unit)", xlim=(x[0], x[-1]), ylim=(y[0], y[-1]), aspect="equal")
    axes.legend()
    return axes


def animate_slice(plane, J, runs, title):
    """The figure of `slice_of_objective` as a short animation: all runs grow epoch by epoch.

    Parameters
    ----------
    plane, J, runs, title
        As for `slice_of_objective`; the runs have as many checkpoints each.

    Returns
    -------
    str
        HTML with buttons to play it, its pictures inside.
    """
    axes = slice_of_objective(plane, J, runs, title)
    lines = axes.lines[: 2 * len(runs)]  # the runs, and their ends
    length = max(map(len, runs.values()))
    ends = np.unique(np.linspace(1, length, FRAMES).round().astype(int))

    def draw(end):
        for points, line, mark in zip(runs.values(), lines, lines[len(runs) :], strict=False):
            line.set_data(*points[:end].T)
            mark.set_data(*points[end - 1 : end].T)
        return lines

    animation = FuncAnimation(axes.figure, draw, ends)
    with plt.rc_context({"savefig.dpi": 70, "animation.embed_limit": 5}):
        html = animation.to_jshtml(fps=FRAMES_PER_SECOND, default_mode="once")
    plt.close(axes.figure)
    # Chromium draws no <img> that is without a picture at first, and gets one while out of sight.
    return html.replace("<img ", f'<img src="{NO_PICTURE}" ', 1)
