"""What changes with the batch size: noise, updates, costs."""

from helpers.plots.style import LABELS, batch_color, finish, one_panel, two_panels


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
    axes = one_panel(title)
    for (batch_size, runs), marker in zip(rows.groupby("batch_size"), "osD^v", strict=False):
        ratio = runs["learning_rate"] / batch_size
        color = batch_color(batch_size)
        axes.plot(ratio, runs["gap"], f"{marker}-", color=color, label=f"B = {batch_size}")
    axes.set(xscale="log", yscale="log", xlabel="learning rate / batch size")
    axes.set_ylabel("gap J − J* after starting at the optimum")
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
    axes[0].set(ylabel="updates to the target", ylim=(50, None))
    later = noise[noise["iteration"] > 0]
    axes[1].plot(later["iteration"], later["noise_scale"], "o-", color="black")
    axes[1].set(xlabel=LABELS["iteration"], ylabel="noise scale tr Σ / ‖∇J‖² (examples)")
    axes[1].set(xscale="log", yscale="log")
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
    axis.scatter(sizes, median, color=[batch_color(B) for B in sizes], s=50, zorder=3)
    axis.set(xscale="log", yscale="log", xlabel=LABELS["batch_size"])
    return median


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
    for (batch_size, seed), run in rows.groupby(["batch_size", "seed"]):
        for axis, x in zip(axes, ["epoch", "iteration"], strict=True):
            is_first = styles[seed] == "-" and axis is axes[0]
            label = f"B = {batch_size}" if is_first else None
            style = dict(color=batch_color(batch_size), linewidth=widths[batch_size], label=label)
            axis.plot(run[x], run["gap"], styles[seed], **style)
    for axis, x in zip(axes, ["epoch", "iteration"], strict=True):
        axis.set(xlabel=LABELS[x], ylabel=LABELS["gap"], yscale="log")
    axes[1].set_xscale("log")
    return finish(axes)
