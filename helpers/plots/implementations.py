"""Implementations side by side: each has one color and one marker in every figure."""

import numpy as np

from helpers.plots.style import LABELS, batch_axis, finish, log_axis, one_panel, two_panels

# The colors of Okabe and Ito, which the color-blind can tell apart, and a marker for each.
IMPLEMENTATIONS = {
    "NumPy": dict(color="#000000", marker="o"),
    "compiled": dict(color="#E69F00", marker="s"),
    "PyTorch": dict(color="#56B4E9", marker="D"),
    "TensorFlow": dict(color="#009E73", marker="^"),
    "TensorFlow, a graph per update": dict(color="#009E73", marker="^"),
    "TensorFlow, eager": dict(color="#D55E00", marker="v"),
    "TensorFlow, one graph": dict(color="#CC79A7", marker="P"),
    "Keras": dict(color="#0072B2", marker="X"),
}
OTHERS = dict(color="#555555", marker="x")  # what is no implementation, such as an error
OUTSIDE = dict(loc="upper left", bbox_to_anchor=(1, 1))  # a legend beside the axes


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
    axes = two_panels(title)
    # Thick below thin, so that curves that coincide are both seen.
    widths = np.linspace(6, 1.5, len(runs))
    for axis, column in zip(axes, ["train_loss", "test_accuracy"], strict=True):
        for (name, rows), width in zip(runs.items(), widths, strict=True):
            seen = rows[rows["iteration"] > 0]  # zero has no place on a log axis
            color = IMPLEMENTATIONS[name]["color"]
            axis.plot(seen["iteration"], seen[column], label=name, color=color, linewidth=width)
        axis.set(xlabel=LABELS["iteration"], ylabel=LABELS[column])
        log_axis(axis.xaxis)
    return finish(axes)


def two_records(minibatch_loss, rows, reported, title):
    """The loss of each minibatch, the training loss, and what Keras reports for an epoch.

    Parameters
    ----------
    minibatch_loss : array (updates,)
    rows : pandas DataFrame
        Columns `iteration`, `train_loss`.
    reported : float
        The loss that Keras reports.
    title : str

    Returns
    -------
    axes
    """
    axes = one_panel(title, (7, 4))
    color, keras = (IMPLEMENTATIONS[name]["color"] for name in ("TensorFlow", "Keras"))
    axes.plot(minibatch_loss, color=color, alpha=0.6, linewidth=0.5, label="loss of each minibatch")
    axes.axhline(reported, color=keras, linestyle="--", label="Keras reports")
    look = IMPLEMENTATIONS["NumPy"] | dict(markersize=5, label="training loss of all images")
    axes.plot(rows["iteration"], rows["train_loss"], **look)
    axes.set(xlabel=LABELS["iteration"], ylabel="loss")
    log_axis(axes.yaxis)
    return finish(axes)


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
    axes = two_panels(title, sharex=True)
    color, marker = IMPLEMENTATIONS["TensorFlow"].values()
    axes[0].plot(minibatch_loss, color=color, linewidth=0.4)
    axes[0].set_ylabel("cross-entropy of the minibatch")
    axes[0].set_title("a loss at every update", fontsize=11)
    axes[1].plot(rows["iteration"], rows["residual_norm"], marker=marker, color=color)
    axes[1].set_ylabel("norm ‖P − Y‖ of the last minibatch")
    axes[1].set_title("a norm once per epoch", fontsize=11)
    for axis in axes:
        axis.set(xlabel=LABELS["iteration"], ymargin=0.1, ylim=(0, None))
    return finish(axes)


def weight_differences(runs, title, anchor):
    """The largest difference of the weights between two runs against iteration, on log axes.

    Two guides show what grows like √t and like t.

    Parameters
    ----------
    runs : dict of pandas DataFrames
        By (implementation, what was compared, such as "float32"); columns `iteration` (from 1) and
        `difference`. Lines of float64 are dashed.
    title : str
    anchor : (iteration, difference)
        Where the guides meet.

    Returns
    -------
    axes
    """
    axes = one_panel(title, (8.5, 4.6))
    for (name, precision), rows in runs.items():
        # A difference of exactly 0 has no place on a log axis.
        seen = rows[rows["difference"] > 0]
        # The two lines of a mistake coincide: the dashed one lies on a broad one.
        broad = name not in IMPLEMENTATIONS and precision == "float32"
        look = IMPLEMENTATIONS.get(name, OTHERS) | dict(markersize=4, label=f"{name}, {precision}")
        look |= dict(linewidth=6, alpha=0.4) if broad else dict(linewidth=1.5, alpha=1)
        look |= dict(linestyle="--" if precision == "float64" else "-")
        axes.plot(seen["iteration"], seen["difference"], **look)
    last = max(rows["iteration"].max() for rows in runs.values())
    for power, text in [(0.5, "∝ √t"), (1, "∝ t")]:
        end = anchor[1] * (last / anchor[0]) ** power
        axes.plot([anchor[0], last], [anchor[1], end], ":", color="gray", linewidth=1)
        axes.annotate(text, (last, end), xytext=(4, 0), textcoords="offset points", color="gray")
    axes.set(yscale="log", xlabel=LABELS["iteration"], ylabel="largest |ΔW|")
    log_axis(axes.xaxis)
    axes.set_xlim(right=4 * last)  # room for the names of the guides
    return finish(axes, **OUTSIDE)


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
    axes = one_panel(title, (7.5, 4.4))
    # In the legend from top to bottom as the lines begin on the left.
    for name in times.columns[np.argsort(-times.iloc[0])]:
        axes.plot(times.index, times[name], label=name, **IMPLEMENTATIONS[name])
    guide = times.min(axis=1).iloc[0] * times.index / times.index[0]
    axes.plot(times.index, guide, ":", color="gray", linewidth=1, label="proportional to B")
    axes.set(ylabel="µs per update")
    batch_axis(axes)
    log_axis(axes.yaxis)
    return finish(axes, **OUTSIDE)
