"""What all figures have in common: words, colors, markers, scales, and how they are shown."""

from io import BytesIO

import matplotlib.pyplot as plt
import numpy as np
from IPython.display import Image, Markdown, display
from matplotlib.colors import to_rgb
from matplotlib.ticker import FixedLocator, LogLocator, NullFormatter, NullLocator
from PIL import Image as Picture

LARGEST_BATCH_SIZE = 4096
DOTS_PER_INCH = 200  # stored; half of them are shown as pixels, so that text is sharp everywhere

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
    """The color of a batch size, the same in every figure: dark is small, on a log scale.

    The color map is viridis, ordered in lightness and so safe for the color-blind and in gray; its
    lightest tenth is left out. The steps are larger at its dark end, where the eye tells less.
    """
    return plt.cm.viridis(0.9 * (np.log(batch_size) / np.log(LARGEST_BATCH_SIZE)) ** 0.8)


def batch_marker(batch_size):
    """The marker of a batch size: a circle up to 3, a square up to 31, a diamond, a triangle."""
    return "osD^"[min(round(np.log10(batch_size)), 3)]


def batch_style(batch_size):
    """Color and marker of a batch size, as arguments of `axes.plot`."""
    return {"color": batch_color(batch_size), "marker": batch_marker(batch_size)}


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


def log_axis(axis):
    """Make `axes.xaxis` or `axes.yaxis` logarithmic with plain numbers: 0.5, not 5×10⁻¹."""
    axis.axes.set(**{f"{axis.axis_name}scale": "log"})
    low, high = axis.get_view_interval()
    decades = np.log10(high / low)
    # About four to eight numbers, whatever the span.
    digits = [1] if decades > 2.5 else [1, 2, 5] if decades > 0.8 else [1, 1.5, 2, 3, 4, 5, 6, 8]
    axis.set_major_locator(LogLocator(base=100 if decades > 5 else 10, subs=digits))
    axis.set_major_formatter(plain_number)
    axis.set_minor_formatter(NullFormatter())


def plain_number(value, position=None):
    """A number without a power of ten: 1,000,000 or 0.0005; on an axis too, at any position."""
    return f"{value:,.9f}".rstrip("0").rstrip(".")


def batch_axis(axes):
    """Make the x-axis one of batch sizes, ticked 1, 10, 100, 1000."""
    axes.set(xscale="log", xlabel=LABELS["batch_size"])
    axes.xaxis.set_major_locator(FixedLocator([1, 10, 100, 1000]))
    axes.xaxis.set_major_formatter("{x:.0f}")
    axes.xaxis.set_minor_locator(NullLocator())


def label_lines(axes, size=10):
    """Write the label of each line at its right end, in its color, in place of a legend.

    Labels that would overlap are moved apart. Call it when everything else is drawn.
    """
    axes.figure.draw_without_rendering()  # now it is known what lies where
    lines = [line for line in axes.lines if not line.get_label().startswith("_")]
    ends = np.array([axes.transData.transform(_last_point(line)) for line in lines])
    distance = 1.25 * size * axes.figure.dpi / 72
    heights, lowest = np.empty(len(lines)), -np.inf
    for position in ends[:, 1].argsort(kind="stable"):
        heights[position] = lowest = max(ends[position, 1], lowest + distance)
    heights -= (heights - ends[:, 1]).mean()  # as much up as down
    for line, end, height in zip(lines, ends, heights, strict=True):
        offset = 6, (height - end[1]) * 72 / axes.figure.dpi
        look = dict(va="center", fontsize=size, color=readable(line.get_color()))
        look |= dict(xytext=offset, textcoords="offset points")
        axes.annotate(line.get_label(), _last_point(line), **look)


def _last_point(line):
    points = line.get_xydata()
    return points[np.isfinite(points).all(axis=1)][-1]


def readable(color):
    """A color dark enough for text on white."""
    rgb = np.array(to_rgb(color))
    lightness = rgb @ [0.2126, 0.7152, 0.0722]
    return tuple(rgb * min(1, 0.4 / max(lightness, 1e-9)))


def finish(axes, **legend):
    """Put the grid and, where something has a label, the legend on axes; return them."""
    for axis in np.ravel(axes):
        axis.grid(alpha=0.3)
        if axis.get_legend_handles_labels()[0]:
            axis.legend(**legend)
    return axes


def show(axes, alt, note="", **options):
    """Display the figure of `axes` in a notebook, with a caption below it.

    Parameters
    ----------
    axes : matplotlib axes or array of them
    alt : str
        What the figure shows, in a sentence: its caption, and the text for those who cannot see it.
    note : str
        What else the caption must say, such as the number of seeds.
    options
        Of `IPython.display.display`: with `display_id="name"` the figure can be replaced by a later
        call that says `update=True` as well, which repeats no caption.
    """
    figure = np.ravel(axes)[0].figure
    # Colab's IPython 7 knows `alt` only so.
    display(Image(png(figure), retina=True, metadata={"alt": alt}), **options)
    plt.close(figure)
    if not options.get("update"):
        display(Markdown(f"*{' '.join(filter(None, [alt, note]))}*"))


def png(figure):
    """The figure as the bytes of a PNG, sharp but small: 256 colors are enough for a diagram."""
    drawn, stored = BytesIO(), BytesIO()
    figure.savefig(drawn, format="png", dpi=DOTS_PER_INCH, facecolor="white")
    picture = Picture.open(drawn).convert("RGB").quantize(256, dither=Picture.Dither.NONE)
    picture.save(stored, format="png", optimize=True)
    return stored.getvalue()
