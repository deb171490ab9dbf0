"""Which learning rate suits which batch size."""

import matplotlib.pyplot as plt
import numpy as np

from helpers.plots.style import (
    LABELS,
    batch_axis,
    batch_style,
    finish,
    log_axis,
    one_panel,
    plain_number,
    two_panels,
)

# Of the best validation loss of a batch size: where the color scale of the map ends.
WORST_EXCESS = 0.3


def learning_rate_map(grid, guides, title):
    """Validation loss by batch size and learning rate, with the best rate of each batch size.

    A cell is the darker the nearer its loss is to the best of its batch size. Losses above
    ln(classes) = ln 10, that of W = 0, are shown as a dash.

    Parameters
    ----------
    grid : pandas DataFrame
        Columns batch_size, learning_rate, validation_loss; the rates are spaced by factors of two.
        A cell shows the mean over seeds; one that was not measured stays empty.
    guides : dict
        Learning rates to mark at the upper edge, by what they are.
    title : str

    Returns
    -------
    axes
    """
    table = grid.pivot_table("validation_loss", "batch_size", "learning_rate")
    excess = table.div(table.min(axis=1), axis=0) - 1
    axes = one_panel("", (10, 3.4))
    axes.figure.suptitle(title)
    colors = plt.cm.cividis.with_extremes(over="whitesmoke")
    mesh = axes.imshow(excess, vmin=0, vmax=WORST_EXCESS, cmap=colors, aspect="auto")
    label = "above the best\nof the row (%)"
    bar = axes.figure.colorbar(mesh, ax=axes, label=label, extend="max", pad=0.01)
    bar.set_ticks([0, 0.1, 0.2, 0.3], labels=["0", "10", "20", "30"])
    for (i, j), value in np.ndenumerate(table.to_numpy()):
        if np.isnan(value):
            continue
        text = f"{value:.3f}" if value <= np.log(10) else "–"
        is_dark = excess.iat[i, j] < WORST_EXCESS / 2
        axes.text(j, i, text, ha="center", va="center", color="white" if is_dark else "black")
    for i, best in enumerate(np.nanargmin(table.to_numpy(), axis=1)):
        frame = plt.Rectangle((best - 0.48, i - 0.48), 0.96, 0.96, fill=False, ec="black", lw=2.5)
        axes.add_patch(frame)
    if guides:
        top = axes.secondary_xaxis("top")
        top.set_xticks([np.log2(rate / table.columns[0]) for rate in guides.values()], guides)
    axes.set_xticks(range(table.shape[1]), [plain_number(rate) for rate in table.columns])
    axes.set_yticks(range(len(table)), table.index)
    axes.set(xlabel="learning rate", ylabel=LABELS["batch_size"])
    return axes


def rate_scaling(learning_rates, title, fit_up_to, step=2.0):
    """The best learning rate against the batch size, with linear and square-root guides.

    On a grid with steps of a factor of two, a best rate is known up to a factor of √2 either way:
    so long are the bars, and that is the uncertainty of the slope.

    Parameters
    ----------
    learning_rates : pandas Series
        By batch size.
    title : str
    fit_up_to : int
        The slope is fitted to the batch sizes up to this one.
    step : float
        From one rate of the grid to the next.

    Returns
    -------
    axes, slope, uncertainty : axes and two floats
        The slope of log(rate) over log(B), and by how much the bars would let it be another.
    """
    sizes, rates = learning_rates.index.to_numpy(float), learning_rates.to_numpy()
    fitted = sizes <= fit_up_to
    x = np.log(sizes[fitted]) - np.log(sizes[fitted]).mean()
    weights = x / (x @ x)
    slope = weights @ np.log(rates[fitted])
    uncertainty = np.abs(weights).sum() * np.log(step) / 2
    axes = one_panel(title, (7, 4))
    for power, style, name in [(1, "--", "∝ B"), (0.5, ":", "∝ √B")]:
        guide = rates[0] * (sizes / sizes[0]) ** power
        axes.plot(sizes, guide, style, color="gray", label=name)
    for B, rate in zip(sizes, rates, strict=True):
        bar = [[rate - rate / np.sqrt(step)], [rate * np.sqrt(step) - rate]]
        axes.errorbar(B, rate, bar, **batch_style(B), markersize=8, capsize=4)
    batch_axis(axes)
    axes.set(ylabel="best learning rate", ylim=(rates.min() / 2, rates.max() * 4), yscale="log")
    log_axis(axes.yaxis)
    return finish(axes), slope, uncertainty


def learning_rate_curves(rows, batch_size, learning_rate):
    """Training loss and accuracy of one batch size: one learning rate in color, the others gray.

    With several seeds, their medians.

    Parameters
    ----------
    rows : pandas DataFrame
        Columns batch_size, learning_rate, epoch, train_loss, validation_accuracy.
    batch_size, learning_rate : numbers
        The run to show in color.

    Returns
    -------
    array of two axes
    """
    axes = two_panels(f"B = {batch_size}: learning rate {learning_rate:g} among the others (gray)")
    for rate, runs in rows[rows["batch_size"] == batch_size].groupby("learning_rate"):
        style = dict(color="silver", linewidth=1)
        if np.isclose(rate, learning_rate):
            style = batch_style(batch_size) | dict(linewidth=2.5, zorder=3)
            style["label"] = f"learning rate {rate:g}"
        for axis, column in zip(axes, ["train_loss", "validation_accuracy"], strict=True):
            median = runs.groupby("epoch")[column].median()
            axis.plot(median.index, median, **style)
    axes[0].set(ylabel="training loss", yscale="log", ylim=(0.2, 5))
    log_axis(axes[0].yaxis)
    axes[1].set(ylabel="accuracy on the validation images", ylim=(0.7, 0.95))
    for axis in axes:
        axis.set_xlabel(LABELS["epoch"])
    return finish(axes)
