"""What all figures have in common: words, colours, frames, and how they are shown."""

import matplotlib.pyplot as plt
import numpy as np
from IPython.display import display

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


def batch_color(batch_size):
    """The colour of a batch size, the same in every figure: dark is small, on a log scale.

    The colour map is viridis, ordered in lightness and so safe for the colour-blind; its lightest
    tenth is left out.
    """
    return plt.cm.viridis(0.9 * np.log(batch_size) / np.log(LARGEST_BATCH_SIZE))


def one_panel(title, size=(6.4, 4)):
    """Axes of a new figure."""
    _, axes = plt.subplots(figsize=size, layout="constrained")
    axes.set_title(title)
    return axes


def two_panels(title, size=(10, 4), **options):
    """Two axes side by side, in a new figure with one title."""
    figure, axes = plt.subplots(1, 2, figsize=size, layout="constrained", **options)
    figure.suptitle(title)
    return axes


def finish(axes, **legend):
    """Put the grid and, where something has a label, the legend on axes; return them."""
    for axis in np.ravel(axes):
        axis.grid(alpha=0.3)
        if axis.get_legend_handles_labels()[0]:
            axis.legend(**legend)
    return axes


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
