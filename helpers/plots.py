"""Every figure of the notebooks: data in, axes out. Nothing is trained or shown here."""

import matplotlib.pyplot as plt
import numpy as np
from IPython.display import display
from matplotlib.colors import LogNorm
from matplotlib.ticker import PercentFormatter

LARGEST_BATCH_SIZE = 4096

LABELS = {
    "iteration": "iteration t (number of updates)",
    "epoch": "epochs (passes over the training set)",
    "examples": "examples seen",
    "seconds": "seconds spent in updates",
    "batch_size": "batch size B",
    "train_loss": "training loss J(t)",
    "gap": "gap J(t) − J*",
    "test_accuracy": "test accuracy",
}

# Of implementations: the colours of Okabe and Ito, which the colour-blind can tell apart, and a
# marker for each.
IMPLEMENTATION_STYLES = [
    {"color": color, "marker": marker}
    for color, marker in zip(
        ["#000000", "#E69F00", "#56B4E9", "#009E73", "#D55E00", "#CC79A7", "#0072B2"],
        "osD^vPX",
        strict=True,
    )
]


def batch_color(batch_size):
    """The colour of a batch size, the same in every figure: dark is small, on a log scale.

    The colour map is viridis, ordered in lightness and so safe for the colour-blind; its lightest
    tenth is left out.
    """
    return plt.cm.viridis(0.9 * np.log(batch_size) / np.log(LARGEST_BATCH_SIZE))


def show(axes, alt, note=""):
    """Display the figure of `axes` in a notebook, with a text for those who cannot see it.

    Parameters
    ----------
    axes : matplotlib axes or array of them
    alt : str
        What the figure shows, in a sentence.
    note : str
        Small print below the figure, such as that its results are quick ones.
    """
    figure = np.ravel(axes)[0].figure
    if note:
        figure.supxlabel(note, fontsize=7, color="gray", x=0.99, ha="right")
    display(figure, metadata={"image/png": {"alt": alt}})
    plt.close(figure)


def image_grid(images, titles, columns=10, title=""):
    """Grey-scale pictures in rows of `columns`.

    Parameters
    ----------
    images : array (n, height, width)
    titles : sequence of n
        Written above each picture.
    columns : int
    title : str

    Returns
    -------
    array of axes
    """
    rows = -(-len(images) // columns)
    figure, axes = plt.subplots(
        rows,
        columns,
        figsize=(columns * 0.85, rows * 1.05 + 0.4),
        layout="constrained",
        squeeze=False,
    )
    for axis in axes.flat:
        axis.axis("off")
    for axis, image, text in zip(axes.flat, images, titles, strict=False):
        axis.imshow(image, cmap="gray_r")
        axis.set_title(text, fontsize=9)
    figure.suptitle(title)
    return axes


def weight_images(W, side=28):
    """The weights of each class as a picture: red speaks for the class, blue against it.

    Parameters
    ----------
    W : array (side², classes)
    side : int
        Height and width of the images in pixels.

    Returns
    -------
    array of axes
    """
    num_classes = W.shape[1]
    figure, axes = plt.subplots(
        2, -(-num_classes // 2), figsize=(8, 3.6), layout="constrained", squeeze=False
    )
    largest = np.abs(W).max()
    for axis in axes.flat:
        axis.axis("off")
    for k, axis in zip(range(num_classes), axes.flat, strict=False):
        picture = axis.imshow(
            W[:, k].reshape(side, side), cmap="RdBu_r", vmin=-largest, vmax=largest
        )
        axis.set_title(f"class {k}", fontsize=9)
    figure.colorbar(picture, ax=axes, label="weight", shrink=0.8)
    figure.suptitle("Each class has learnt a template of its digit")
    return axes


def class_balance(counts):
    """Bars of the number of examples in each class, a colour for each part of the data.

    Parameters
    ----------
    counts : pandas DataFrame
        One row per class, one column per part (training, test).

    Returns
    -------
    axes
    """
    share = counts / counts.sum()
    axes = share.plot.bar(
        figsize=(7, 3), color=[plt.cm.viridis(0.15), plt.cm.viridis(0.7)], rot=0, width=0.75
    )
    axes.axhline(1 / len(share), color="gray", linestyle="--", linewidth=1, label="equal shares")
    axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    axes.set(xlabel="digit", ylabel="share of the examples")
    axes.set_title("The ten classes are nearly balanced")
    axes.legend(loc="lower right")
    return axes


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
    if axes is None:
        _, axes = plt.subplots(figsize=(6.4, 4), layout="constrained")
    for batch_size, runs in rows.groupby("batch_size"):
        over_seeds = runs.groupby(x)[y]
        median = over_seeds.median()
        color = batch_color(batch_size)
        axes.plot(median.index, median, color=color, label=f"B = {batch_size}")
        axes.fill_between(
            median.index, over_seeds.min(), over_seeds.max(), color=color, alpha=0.25, linewidth=0
        )
    axes.set(xlabel=LABELS[x], ylabel=LABELS[y], title=title, xscale=xscale, yscale=yscale)
    axes.grid(alpha=0.3)
    axes.legend()
    return axes


def overlay(runs, title):
    """Training loss and test accuracy of several runs against iteration, one over the other.

    Parameters
    ----------
    runs : dict of pandas DataFrames
        By the name of the implementation; columns `iteration`, `train_loss`, `test_accuracy`.
    title : str

    Returns
    -------
    array of two axes
    """
    figure, axes = plt.subplots(1, 2, figsize=(9.5, 3.8), layout="constrained")
    # Thick below thin, so that curves that coincide are both seen.
    widths = np.linspace(6, 1.5, len(runs))
    for axis, column in zip(axes, ["train_loss", "test_accuracy"], strict=True):
        for position, ((name, rows), width) in enumerate(zip(runs.items(), widths, strict=True)):
            color = plt.cm.cividis(1 - position / max(len(runs) - 1, 1))
            axis.plot(rows["iteration"], rows[column], label=name, color=color, linewidth=width)
        axis.set(xlabel=LABELS["iteration"], ylabel=LABELS[column])
        axis.grid(alpha=0.3)
        axis.legend()
    figure.suptitle(title)
    return axes


def two_records(minibatch_loss, rows, title):
    """The loss of each minibatch and the training loss of one run against iteration.

    Parameters
    ----------
    minibatch_loss : array (updates,)
    rows : pandas DataFrame
        Columns `iteration`, `train_loss`.
    title : str

    Returns
    -------
    axes
    """
    _, axes = plt.subplots(figsize=(6.4, 4), layout="constrained")
    axes.plot(
        minibatch_loss, color=plt.cm.cividis(0.75), linewidth=0.4, label="loss of each minibatch"
    )
    axes.plot(
        rows["iteration"],
        rows["train_loss"],
        "o-",
        color=plt.cm.cividis(0.0),
        markersize=4,
        label="training loss of all images",
    )
    axes.set(xlabel=LABELS["iteration"], ylabel="loss (log scale)", yscale="log", title=title)
    axes.grid(alpha=0.3)
    axes.legend()
    return axes


def sample_records(minibatch_loss, rows, title):
    """Two records of one run side by side: a loss for each minibatch, a norm for each epoch.

    Parameters
    ----------
    minibatch_loss : array (updates,)
    rows : pandas DataFrame
        One row per epoch: iteration, residual_norm (of the last minibatch).
    title : str

    Returns
    -------
    array of two axes
    """
    figure, axes = plt.subplots(1, 2, figsize=(9.5, 3.8), sharex=True, layout="constrained")
    axes[0].plot(minibatch_loss, color=plt.cm.cividis(0.6), linewidth=0.4)
    axes[0].set_ylabel("cross-entropy of the minibatch")
    axes[0].set_title("recorded at every update", fontsize=10)
    axes[1].plot(rows["iteration"], rows["residual_norm"], "o-", color=plt.cm.cividis(0.0))
    axes[1].set_ylabel("norm ‖P − Y‖ of the last minibatch")
    axes[1].set_title("recorded once per epoch", fontsize=10)
    for axis in axes:
        axis.set_xlabel(LABELS["iteration"])
        axis.margins(y=0.1)
        axis.set_ylim(bottom=0)
        axis.grid(alpha=0.3)
    figure.suptitle(title)
    return axes


def weight_differences(runs, title):
    """The largest difference of the weights between two runs against iteration, on log axes.

    Parameters
    ----------
    runs : dict of pandas DataFrames
        By what is compared; columns `iteration` (from 1) and `difference`.
    title : str

    Returns
    -------
    axes
    """
    _, axes = plt.subplots(figsize=(7, 4.2), layout="constrained")
    for (name, rows), style in zip(runs.items(), IMPLEMENTATION_STYLES, strict=False):
        # A difference of exactly 0 has no place on a log axis.
        seen = rows[rows["difference"] > 0]
        axes.plot(seen["iteration"], seen["difference"], markersize=4, label=name, **style)
    axes.set(xscale="log", yscale="log", title=title)
    axes.set(xlabel=f"{LABELS['iteration']}, log scale", ylabel="largest |ΔW| (log scale)")
    axes.grid(alpha=0.3)
    axes.legend(fontsize=8, loc="upper left", bbox_to_anchor=(1, 1))
    return axes


def update_times(times, title):
    """Time of an update against the batch size, a line for each implementation.

    Parameters
    ----------
    times : pandas DataFrame
        µs per update: a row per batch size, a column per implementation.
    title : str

    Returns
    -------
    axes
    """
    _, axes = plt.subplots(figsize=(7, 4.2), layout="constrained")
    for (name, column), style in zip(times.items(), IMPLEMENTATION_STYLES, strict=False):
        axes.plot(column.index, column, label=name, **style)
    guide = times.min(axis=1).iloc[0] * times.index / times.index[0]
    axes.plot(times.index, guide, "--", color="gray", linewidth=1, label="proportional to B")
    axes.set(xscale="log", yscale="log", title=title)
    axes.set(xlabel=f"{LABELS['batch_size']} (log scale)", ylabel="µs per update (log scale)")
    axes.grid(alpha=0.3)
    axes.legend(fontsize=8, loc="upper left", bbox_to_anchor=(1, 1))
    return axes


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
    _, axes = plt.subplots(figsize=(9, 3.2), layout="constrained")
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
    axes.set_title("The best learning rate (framed) grows with the batch size")
    return axes


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
    figure, axes = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
    curves(rows, x, "train_loss", "", xscale="log", axes=axes[0])
    axes[0].axhline(J_best, color="gray", linestyle="--", label="J*, the optimum")
    axes[0].legend()
    curves(rows, x, "test_accuracy", "", xscale="log", axes=axes[1])
    figure.suptitle(title)
    return axes


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
    figure, axes = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
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
        axis.grid(alpha=0.3)
        axis.legend()
    figure.suptitle(title)
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
    _, axes = plt.subplots(figsize=(6.4, 4), layout="constrained")
    for power, style, name in [(1, "--", "∝ B (linear)"), (0.5, ":", "∝ √B")]:
        guide = rates[0] * (sizes / sizes[0]) ** power
        axes.plot(sizes, guide, style, color="gray", label=name)
    line = np.exp(intercept) * sizes[fitted] ** slope
    axes.plot(sizes[fitted], line, color="black", label=f"fit up to B = {fit_up_to}")
    axes.scatter(sizes, rates, color=[batch_color(B) for B in sizes], s=60, zorder=3)
    axes.set(xlabel=LABELS["batch_size"], ylabel="best learning rate", title=title)
    axes.set(xscale="log", yscale="log", ylim=(rates.min() / 2, rates.max() * 4))
    axes.grid(alpha=0.3)
    axes.legend()
    return axes, slope


def noise_ball(rows, title):
    """The gap that a constant rate cannot get below, against learning rate / batch size.

    Parameters
    ----------
    rows : pandas DataFrame
        One row per run: batch_size, learning_rate, gap.
    title : str

    Returns
    -------
    axes
    """
    _, axes = plt.subplots(figsize=(6.4, 4), layout="constrained")
    for (batch_size, runs), marker in zip(rows.groupby("batch_size"), "osD^v", strict=False):
        ratio = runs["learning_rate"] / batch_size
        color = batch_color(batch_size)
        axes.plot(ratio, runs["gap"], f"{marker}-", color=color, label=f"B = {batch_size}")
    axes.set(xscale="log", yscale="log", xlabel="learning rate / batch size", title=title)
    axes.set_ylabel("gap J − J* after starting at the optimum")
    axes.grid(alpha=0.3)
    axes.legend()
    return axes


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
    figure, axes = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
    updates = rows.groupby("batch_size")["updates"].agg(["median", "min", "max"])
    sizes = updates.index.to_numpy()
    spread = [updates["median"] - updates["min"], updates["max"] - updates["median"]]
    axes[0].errorbar(sizes, updates["median"], spread, color="black", capsize=3, linewidth=1)
    axes[0].scatter(sizes, updates["median"], color=[batch_color(B) for B in sizes], s=50, zorder=3)
    ideal = updates["median"].iloc[0] * sizes[0] / sizes
    axes[0].plot(sizes, ideal, "--", color="gray", label="perfect scaling ∝ 1/B")
    low, high = noise["noise_scale"].min(), noise["noise_scale"].max()
    axes[0].axvspan(low, high, color="gray", alpha=0.2, label="noise scale along the run")
    axes[0].set(xlabel=LABELS["batch_size"], ylabel="updates to the target", ylim=(50, None))
    later = noise[noise["iteration"] > 0]
    axes[1].plot(later["iteration"], later["noise_scale"], "o-", color="black")
    axes[1].set(xlabel=LABELS["iteration"], ylabel="noise scale tr Σ / ‖∇J‖² (examples)")
    for axis in axes:
        axis.set(xscale="log", yscale="log")
        axis.grid(alpha=0.3)
    axes[0].legend()
    figure.suptitle(title)
    return axes


def costs_to_target(rows, title):
    """Examples and seconds to the target against the batch size, median and range over seeds.

    Parameters
    ----------
    rows : pandas DataFrame
        One row per batch size and seed at its best rate: batch_size, examples, seconds.
    title : str

    Returns
    -------
    array of two axes
    """
    figure, axes = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
    for axis, column, label in zip(
        axes,
        ["examples", "seconds"],
        ["examples to the target", "seconds to the target"],
        strict=True,
    ):
        cost = rows.groupby("batch_size")[column].agg(["median", "min", "max"])
        spread = [cost["median"] - cost["min"], cost["max"] - cost["median"]]
        axis.errorbar(cost.index, cost["median"], spread, color="black", capsize=3, linewidth=1)
        axis.scatter(
            cost.index, cost["median"], color=[batch_color(B) for B in cost.index], s=50, zorder=3
        )
        axis.set(xscale="log", yscale="log", xlabel=LABELS["batch_size"], ylabel=label)
        axis.grid(alpha=0.3)
    figure.suptitle(title)
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
    figure, axes = plt.subplots(1, 2, figsize=(10, 4), layout="constrained", sharey=True)
    rows = rows[rows["iteration"] > 0]
    styles = dict(zip(rows["seed"].unique(), ["-", "--", ":", "-."], strict=False))
    # Wide below narrow, so that curves that coincide are all seen.
    widths = dict(zip(sorted(rows["batch_size"].unique()), [6, 4, 2.5, 1.2], strict=False))
    for (batch_size, seed), run in rows.groupby(["batch_size", "seed"]):
        for axis, x in zip(axes, ["epoch", "iteration"], strict=True):
            label = f"B = {batch_size}" if styles[seed] == "-" else None
            axis.plot(
                run[x],
                run["gap"],
                styles[seed],
                color=batch_color(batch_size),
                linewidth=widths[batch_size],
                label=label,
            )
    for axis, x in zip(axes, ["epoch", "iteration"], strict=True):
        axis.set(xlabel=LABELS[x], ylabel=LABELS["gap"], yscale="log")
        axis.grid(alpha=0.3)
    axes[1].set_xscale("log")
    axes[0].legend()
    figure.suptitle(title)
    return axes


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
    _, axes = plt.subplots(figsize=(7, 0.5 * len(table) + 1.2), layout="constrained")
    positions = np.arange(len(table))[::-1]
    spread = [table["mean"] - table["low"], table["high"] - table["mean"]]
    axes.errorbar(table["mean"], positions, xerr=spread, fmt="o", color="black", capsize=4)
    axes.axvline(0, color="gray", linestyle="--")
    axes.set_yticks(positions, table.index)
    axes.set_ylim(-0.5, len(table) - 0.5)
    axes.set(xlabel="difference of test accuracy (percentage points), 95 % interval", title=title)
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
    _, axes = plt.subplots(figsize=(6.4, 4), layout="constrained")
    sizes = table.index.to_numpy()
    guide = table["norm"].iloc[-1] * np.sqrt(sizes / sizes[-1])
    axes.plot(sizes, guide, "--", color="gray", label="∝ √B")
    colors = [batch_color(B) for B in sizes]
    axes.scatter(sizes, table["norm"], color=colors, s=60, label="‖P − Y‖", zorder=3)
    axes.scatter(
        sizes, table["cross_entropy"], color=colors, marker="s", label="mean cross-entropy"
    )
    axes.set(xscale="log", yscale="log", xlabel=LABELS["batch_size"], title=title)
    axes.set_ylabel("mean over minibatches (log scale)")
    axes.grid(alpha=0.3)
    axes.legend()
    return axes


def learning_rate_curves(rows, batch_size, learning_rate, axes=None):
    """Training loss and accuracy of one batch size: one learning rate in colour, the others grey.

    Parameters
    ----------
    rows : pandas DataFrame
        Columns batch_size, learning_rate, epoch, train_loss, test_accuracy.
    batch_size, learning_rate : numbers
        The run to show in colour.
    axes : array of two axes, optional

    Returns
    -------
    array of two axes
    """
    if axes is None:
        _, axes = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
    for rate, run in rows[rows["batch_size"] == batch_size].groupby("learning_rate"):
        chosen = np.isclose(rate, learning_rate)
        style = {"color": batch_color(batch_size), "linewidth": 2.5, "zorder": 3} if chosen else {}
        for axis, column in zip(axes, ["train_loss", "test_accuracy"], strict=True):
            label = f"learning rate {rate:g}" if chosen else None
            axis.plot(
                run["epoch"],
                run[column],
                **{"color": "lightgray", "linewidth": 1, **style},
                label=label,
            )
    axes[0].set(ylabel="training loss (log scale)", yscale="log", ylim=(0.2, 5))
    axes[1].set(ylabel="accuracy on the validation images", ylim=(0.7, 0.95))
    for axis in axes:
        axis.set_xlabel(LABELS["epoch"])
        axis.grid(alpha=0.3)
        axis.legend(loc="upper right" if axis is axes[0] else "lower right")
    axes[0].figure.suptitle(f"B = {batch_size}: the highlighted rate among the others")
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
    _, axes = plt.subplots(figsize=(6.4, 4), layout="constrained")
    for position, (name, rows) in enumerate(runs.items()):
        later = rows[rows["iteration"] > 0]
        color = plt.cm.cividis(0.75 * (1 - position / max(len(runs) - 1, 1)))
        axes.plot(later["iteration"], later["gap"], color=color, label=name)
    axes.set(xlabel=LABELS["iteration"], ylabel=LABELS["gap"], yscale="log", title=title)
    axes.grid(alpha=0.3)
    axes.legend()
    return axes
