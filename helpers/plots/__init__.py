"""Every figure of the notebooks: data in, axes out. Nothing is trained here.

All that is common to them, such as the color of a batch size, is in `style`.
"""

from helpers.plots.comparisons import differences, residual_norms
from helpers.plots.trajectories import curves, gaps, jumps, loss_and_accuracy
from helpers.plots.images import class_balance, confusion, image_grid, weight_images
from helpers.plots.implementations import (
    overlay,
    sample_records,
    two_records,
    update_times,
    weight_differences,
)
from helpers.plots.learning_rates import learning_rate_curves, learning_rate_map, rate_scaling
from helpers.plots.batch_sizes import (
    collapse,
    costs_to_target,
    noise_ball,
    scaling,
    seconds_by_code,
)
from helpers.plots.gradients import gradient_clouds
from helpers.plots.slices import animate_slice, slice_of_objective
from helpers.plots.style import LABELS, batch_color, batch_marker, batch_style, show
from helpers.plots.two_weights import two_weights

__all__ = [
    "LABELS",
    "animate_slice",
    "batch_color",
    "batch_marker",
    "batch_style",
    "class_balance",
    "collapse",
    "confusion",
    "costs_to_target",
    "curves",
    "differences",
    "gaps",
    "gradient_clouds",
    "image_grid",
    "jumps",
    "learning_rate_curves",
    "learning_rate_map",
    "loss_and_accuracy",
    "noise_ball",
    "overlay",
    "rate_scaling",
    "residual_norms",
    "sample_records",
    "scaling",
    "seconds_by_code",
    "show",
    "slice_of_objective",
    "two_records",
    "two_weights",
    "update_times",
    "weight_differences",
    "weight_images",
]
