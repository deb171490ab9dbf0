"""Every figure of the notebooks: data in, axes out. Nothing is trained here.

All that is common to them, such as the color of a batch size, is in `style`.
"""

# ruff: noqa: F401, the figures
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
