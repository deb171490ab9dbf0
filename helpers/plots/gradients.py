"""What the batch size does to one gradient, before anything is trained."""

import matplotlib.pyplot as plt
import numpy as np

from helpers.plots.style import batch_axis, batch_style, finish, log_axis


def gradient_clouds(clouds, spread, title):
    """Minibatch gradients in a plane, a panel for each batch size; their spread against 1/√B.

    Parameters
    ----------
    clouds : dict
        By batch size an array (minibatches, 2): the coordinates of each minibatch gradient. The
        first is along the full gradient, whose length is the mean of it.
    spread : pandas Series
        By batch size the root mean square distance of a minibatch gradient to the full gradient.
    title : str

    Returns
    -------
    dict of axes
        By batch size, and "spread".
    """
    sizes = list(clouds)
    layout = [[sizes[0], sizes[1], "spread"], [sizes[2], sizes[3], "spread"]]
    figure, axes = plt.subplot_mosaic(
        layout, figsize=(10, 4.8), layout="constrained", width_ratios=[1, 1, 1.5]
    )
    figure.suptitle(title)
    everything = np.concatenate(list(clouds.values()))
    low, high = np.quantile(everything, [0.002, 0.998], axis=0)
    for B, cloud in clouds.items():
        axis = axes[B]
        axis.scatter(*cloud.T, **batch_style(B), s=8, alpha=0.5, linewidths=0)
        axis.plot(*np.mean(everything, axis=0), "+", color="red", markersize=14, mew=1.5)
        axis.plot(0, 0, "x", color="black", markersize=7)
        axis.set(title=f"B = {B}", xlim=(low[0], high[0]), ylim=(low[1], high[1]))
        axis.grid(alpha=0.3)
    for B in sizes[::2]:
        axes[B].set_ylabel("main direction of the noise")
    for B in sizes[2:]:
        axes[B].set_xlabel("along the full gradient")
    axis = axes["spread"]
    guide = spread.iloc[0] * (spread.index / spread.index[0]) ** -0.5
    axis.plot(spread.index, guide, "--", color="gray", label="∝ 1/√B", zorder=1)
    for B, value in spread.items():
        axis.plot(B, value, **batch_style(B), markersize=9)
    batch_axis(axis)
    log_axis(axis.yaxis)
    axis.set_ylabel("distance of a minibatch gradient\nto the full gradient (root mean square)")
    finish(axis)
    return axes
