"""What is drawn is what was given, and says what it is."""

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_rgb

from helpers import plots
from helpers.plots import style

BATCH_SIZES = [1, 4, 10, 16, 64, 100, 256, 1000, 1024, 4096]


@pytest.fixture(autouse=True)
def closed_figures():
    plt.close("all")
    yield
    plt.close("all")


def study_rows(seeds=(0,)):
    """Three checkpoints for each of two batch sizes and each seed."""
    rows = [
        dict(
            batch_size=batch_size,
            seed=seed,
            iteration=iteration,
            epoch=iteration / batch_size,
            examples=iteration * batch_size,
            seconds=iteration * 1e-3,
            train_loss=2.0 / (1 + iteration) + 0.1 * seed + 0.01 * batch_size,
            gap=1.0 / (1 + iteration) + 0.1 * seed,
            test_accuracy=0.9 + 0.001 * seed,
        )
        for batch_size in (100, 10)
        for seed in seeds
        for iteration in (0, 5, 50)
    ]
    return pd.DataFrame(rows)


def later(rows):
    return rows[rows["iteration"] > 0]


def legend(axes):
    return [text.get_text() for text in axes.get_legend().get_texts()]


def lightness(color):
    return np.dot(to_rgb(color), [0.2126, 0.7152, 0.0722])


# Colors


def test_a_batch_size_has_one_color_and_larger_ones_are_lighter():
    assert plots.batch_color(10) == plots.batch_color(np.int64(10))
    values = [lightness(plots.batch_color(batch_size)) for batch_size in BATCH_SIZES]
    assert values == sorted(set(values))
    # Still to be seen on white.
    assert values[-1] < 0.8


# Curves over iterations


@pytest.mark.parametrize("y", ["train_loss", "gap", "test_accuracy"])
@pytest.mark.parametrize("x", ["iteration", "epoch", "examples", "seconds"])
def test_curves_draw_the_rows_with_worded_axes(x, y):
    rows = study_rows()
    axes = plots.curves(rows, x, y, "Small batches are faster")
    assert axes.get_title() == "Small batches are faster"
    assert axes.get_xlabel() == plots.LABELS[x] and axes.get_ylabel() == plots.LABELS[y]
    assert legend(axes) == ["B = 10", "B = 100"]
    for line, batch_size in zip(axes.get_lines(), [10, 100], strict=True):
        run = rows[rows["batch_size"] == batch_size]
        np.testing.assert_array_equal(line.get_xdata(), run[x])
        np.testing.assert_array_equal(line.get_ydata(), run[y])
        assert line.get_color() == plots.batch_color(batch_size)


def test_curves_of_several_seeds_show_their_median_and_range():
    axes = plots.curves(study_rows(seeds=(0, 1, 5)), "iteration", "gap", "")
    middle = study_rows(seeds=(1,)).query("batch_size == 10")["gap"]
    lowest, highest = (
        study_rows(seeds=(seed,)).query("batch_size == 10")["gap"] for seed in (0, 5)
    )
    np.testing.assert_allclose(axes.get_lines()[0].get_ydata(), middle)
    [outline] = axes.collections[0].get_paths()
    for x, low, high in zip([0, 5, 50], lowest, highest, strict=True):
        at_x = outline.vertices[outline.vertices[:, 0] == x, 1]
        assert (at_x.min(), at_x.max()) == pytest.approx((low, high))


def test_curves_have_the_scales_asked_for_and_go_where_they_are_told():
    _, axes = plt.subplots()
    drawn = plots.curves(
        later(study_rows()), "iteration", "gap", "", xscale="log", yscale="log", axes=axes
    )
    assert drawn is axes
    assert (axes.get_xscale(), axes.get_yscale()) == ("log", "log")
    assert len(plt.get_fignums()) == 1


def test_every_label_is_worded():
    for column, label in plots.LABELS.items():
        assert "_" not in label and " " in label, column


def test_overlay_draws_loss_and_accuracy_of_every_run():
    rows = study_rows()
    runs = {"NumPy": rows[:3], "TensorFlow": rows[3:]}
    axes = plots.overlay(runs, "One curve")
    assert axes[0].figure.get_suptitle() == "One curve"
    for axis, column in zip(axes, ["train_loss", "test_accuracy"], strict=True):
        assert axis.get_xlabel() == plots.LABELS["iteration"] and axis.get_xscale() == "log"
        assert axis.get_ylabel() == plots.LABELS[column]
        assert legend(axis) == ["NumPy", "TensorFlow"]
        below, above = axis.get_lines()
        for line, run in (below, rows[:3]), (above, rows[3:]):
            np.testing.assert_array_equal(line.get_xdata(), run["iteration"][1:])
            np.testing.assert_array_equal(line.get_ydata(), run[column][1:])
        # Curves that coincide must both be seen.
        assert below.get_linewidth() > above.get_linewidth()
        assert below.get_color() != above.get_color()


def test_two_records_draws_the_loss_of_minibatches_and_of_checkpoints_and_what_is_reported():
    rows = study_rows()[:3]
    minibatch_loss = np.linspace(2.3, 0.3, 50)
    axes = plots.two_records(minibatch_loss, rows, 0.66, "One run, two records")
    assert axes.get_title() == "One run, two records"
    assert axes.get_xlabel() == plots.LABELS["iteration"] and "loss" in axes.get_ylabel()
    assert axes.get_yscale() == "log"
    noisy, reported, smooth = axes.get_lines()
    np.testing.assert_array_equal(noisy.get_xdata(), np.arange(50))
    np.testing.assert_array_equal(noisy.get_ydata(), minibatch_loss)
    assert set(reported.get_ydata()) == {0.66}
    np.testing.assert_array_equal(smooth.get_xdata(), rows["iteration"])
    np.testing.assert_array_equal(smooth.get_ydata(), rows["train_loss"])
    assert len(set(legend(axes))) == 3


def test_loss_and_accuracy_leaves_iteration_zero_out_of_its_log_axis():
    rows = study_rows(seeds=(0, 1))
    axes = plots.loss_and_accuracy(rows, "iteration", "All reach J*", 0.25)
    assert axes[0].figure.get_suptitle() == "All reach J*"
    run = rows.query("batch_size == 10 and iteration > 0").groupby("iteration").median()
    for axis, column in zip(axes, ["train_loss", "test_accuracy"], strict=True):
        assert axis.get_xscale() == "log"
        assert axis.get_xlabel() == plots.LABELS["iteration"]
        assert axis.get_ylabel().startswith(plots.LABELS[column])
        line = axis.get_lines()[0]
        np.testing.assert_array_equal(line.get_xdata(), [5, 50])
        np.testing.assert_allclose(line.get_ydata(), run[column])
    assert set(axes[0].get_lines()[2].get_ydata()) == {0.25}
    [shared] = axes[0].figure.legends
    assert [text.get_text() for text in shared.get_texts()] == ["B = 10", "B = 100", "the optimum"]


def test_loss_and_accuracy_draws_the_accuracy_of_the_optimum_with_its_standard_error():
    axes = plots.loss_and_accuracy(study_rows(), "iteration", "", 0.25, 0.92, 0.003)[1]
    assert set(axes.get_lines()[-1].get_ydata()) == {0.92}
    band = axes.patches[-1].get_extents().transformed(axes.transData.inverted())
    assert (band.y0, band.y1) == pytest.approx((0.917, 0.923))
    heights = [axes.transData.transform((1, accuracy))[1] for accuracy in (0.5, 0.75, 0.875)]
    assert np.diff(heights)[0] == pytest.approx(np.diff(heights)[1])  # half of the errors each


def test_loss_and_accuracy_takes_seconds_that_differ_between_seeds():
    rows = study_rows(seeds=(0, 1))
    rows["seconds"] *= 1 + rows["seed"]
    before = rows.copy()
    axes = plots.loss_and_accuracy(rows, "seconds", "", 0.25)
    np.testing.assert_allclose(axes[0].get_lines()[0].get_xdata(), [0.0075, 0.075])
    pd.testing.assert_frame_equal(rows, before)


def test_jumps_draw_training_loss_and_test_accuracy_of_each_run():
    runs = {"first": study_rows()[:3], "second": study_rows()[3:]}
    axes = plots.jumps(runs, "A smaller rate cures it")
    assert axes[0].figure.get_suptitle() == "A smaller rate cures it"
    for axis, column in zip(axes, ["train_loss", "test_accuracy"], strict=True):
        for line, run in zip(axis.get_lines(), runs.values(), strict=True):
            np.testing.assert_array_equal(line.get_xydata(), run[["epoch", column]])
        assert axis.get_ylabel() == plots.LABELS[column]
        assert len({(line.get_color(), line.get_marker()) for line in axis.get_lines()}) == 2
    assert legend(axes[1]) == ["first", "second"] and axes[0].get_legend() is None


# Pictures and bars


@pytest.mark.parametrize(("num_images", "columns"), [(6, 3), (5, 3), (2, 3), (3, 1)])
def test_image_grid_shows_each_image_under_its_title(num_images, columns):
    images = np.random.default_rng(0).uniform(size=(num_images, 4, 5))
    titles = list(range(num_images))
    axes = plots.image_grid(images, titles, columns=columns, title="Digits")
    assert np.ravel(axes)[0].figure.get_suptitle() == "Digits"
    for axis, image, title in zip(np.ravel(axes), images, titles, strict=False):
        [picture] = axis.get_images()
        np.testing.assert_array_equal(picture.get_array(), image)
        assert axis.get_title() == str(title)
    assert not any(axis.get_images() for axis in np.ravel(axes)[num_images:])


@pytest.mark.parametrize("num_classes", [10, 3])
def test_weight_images_show_the_column_of_each_class_on_one_scale(num_classes):
    W = np.random.default_rng(0).normal(size=(16, num_classes))
    axes = np.ravel(plots.weight_images(W, "Red and blue", side=4, within=1))
    assert axes[0].figure.get_suptitle() == "Red and blue"
    for k in range(num_classes):
        [picture] = axes[k].get_images()
        np.testing.assert_array_equal(picture.get_array(), W[:, k].reshape(4, 4))
        assert picture.get_clim() == (-np.abs(W).max(), np.abs(W).max())
        assert axes[k].get_title() == f"class {k}"


def test_one_huge_weight_does_not_set_the_scale_of_colors():
    W = np.ones((400, 10))
    W[0, 0] = 50
    [picture] = np.ravel(plots.weight_images(W, "", side=20))[0].get_images()
    assert picture.get_clim() == (-1, 1)


def test_a_title_of_two_lines_gets_its_room():
    heights = [
        np.ravel(plots.image_grid(np.zeros((2, 4, 4)), titles))[0].figure.get_figheight()
        for titles in (["a", "b"], ["a\nb", "c"])
    ]
    assert heights[0] < heights[1]


def test_confusion_shows_every_count_and_colors_mistakes_alone():
    table = np.array([[90, 3], [7, 80]])
    axes = plots.confusion(table, "Most often")
    assert axes.get_title() == "Most often"
    texts = [text.get_text() for text in axes.texts]
    assert texts == ["90", "3", "7", "80"]
    np.testing.assert_array_equal(axes.get_images()[0].get_array(), [[0, 3], [7, 0]])
    assert axes.get_xlabel() == "predicted class" and axes.get_ylabel() == "true class"


def test_two_weights_draw_both_paths_in_both_panels_within_the_map():
    w1, w2 = np.linspace(-1, 1, 5), np.linspace(-2, 2, 7)
    J = w1**2 + w2[:, np.newaxis] ** 2
    paths = {"B = 1": np.array([[0, 1.0], [5, 5]]), "all": np.array([[0, 1.0], [0, 0.5]])}
    panels = {"slow": paths, "fast": paths}
    axes = plots.two_weights((w1, w2, J), (0, 0), panels, "Two weights")
    assert axes[0].figure.get_suptitle() == "Two weights"
    assert [axis.get_title() for axis in axes] == ["slow", "fast"]
    for axis in axes:
        one, every, _ = axis.get_lines()
        np.testing.assert_array_equal(one.get_xydata(), paths["B = 1"])
        np.testing.assert_array_equal(every.get_xydata(), paths["all"])
        assert axis.get_xlim() == (-1, 1) and axis.get_ylim() == (-2, 2)
        assert one.get_linewidth() < every.get_linewidth()
    assert legend(axes[0]) == ["B = 1", "all", "lowest point"]


def test_class_balance_draws_the_share_of_each_class():
    counts = pd.DataFrame({"training": [30, 10], "test": [5, 15]})
    axes = plots.class_balance(counts)
    heights = [[bar.get_height() for bar in bars] for bars in axes.containers]
    np.testing.assert_allclose(heights, [[0.75, 0.25], [0.25, 0.75]])
    assert set(axes.get_lines()[0].get_ydata()) == {0.5}
    assert axes.get_xlabel() == "digit" and axes.get_ylabel() == "share of the examples"
    assert axes.get_title()
    assert {"training", "test"} <= set(legend(axes))


# In a notebook


def displayed_by(monkeypatch, *arguments, **options):
    displayed = []
    monkeypatch.setattr(style, "display", lambda *args, **more: displayed.append((args[0], more)))
    plots.show(*arguments, **options)
    assert plt.get_fignums() == []
    return displayed


def test_show_displays_the_figure_sharp_with_its_text_and_a_caption(monkeypatch):
    _, axes = plt.subplots(1, 2, figsize=(5, 2))
    (figure, _), (caption, _) = displayed_by(monkeypatch, axes, "Two frames.", note="Both empty.")
    data, metadata = figure._repr_mimebundle_()
    assert data["image/png"]
    assert metadata["image/png"] == {"alt": "Two frames.", "width": 500, "height": 200}
    assert caption.data == "*Two frames. Both empty.*"


def test_show_replaces_a_figure_without_repeating_its_caption(monkeypatch):
    _, axes = plt.subplots()
    place = dict(display_id="here", update=True)
    [(_, options)] = displayed_by(monkeypatch, axes, "A frame.", **place)
    assert options == place


def test_batch_sizes_of_the_course_have_a_marker_each_and_are_told_apart_in_gray():
    sizes = [1, 10, 100, 1000]
    assert len({plots.batch_marker(B) for B in sizes}) == len(sizes)
    gray = [lightness(plots.batch_color(B)) for B in sizes]
    assert min(np.diff(gray)) > 0.1


@pytest.mark.parametrize(
    ("value", "text"), [(1e6, "1,000,000"), (0.5, "0.5"), (5e-4, "0.0005"), (3, "3")]
)
def test_numbers_on_log_axes_are_plain(value, text):
    assert style.plain_number(value) == text


def test_batch_sizes_are_ticked_at_powers_of_ten():
    _, axes = plt.subplots()
    axes.plot([1, 4096], [1, 1])
    style.batch_axis(axes)
    axes.figure.draw_without_rendering()
    texts = [label.get_text() for label in axes.get_xticklabels()]
    assert texts == ["1", "10", "100", "1000"] and axes.get_xlabel() == "batch size B"


def test_labels_of_lines_that_end_together_are_moved_apart():
    _, axes = plt.subplots()
    for height in (1.0, 1.001, 5.0):
        axes.plot([0, 1], [0, height], label=f"to {height}")
    style.label_lines(axes)
    axes.figure.draw_without_rendering()
    boxes = [text.get_window_extent() for text in axes.texts]
    assert [text.get_text() for text in axes.texts] == ["to 1.0", "to 1.001", "to 5.0"]
    assert not boxes[0].overlaps(boxes[1])


# Implementations


def test_sample_records_draw_every_minibatch_and_every_epoch():
    rows = pd.DataFrame({"iteration": [25, 50], "residual_norm": [4.0, 3.0]})
    axes = plots.sample_records(np.linspace(2.3, 0.3, 50), rows, "Two records")
    assert axes[0].figure.get_suptitle() == "Two records"
    for axis, values, word in zip(
        axes, [np.linspace(2.3, 0.3, 50), [4.0, 3.0]], ["cross-entropy", "norm"], strict=True
    ):
        np.testing.assert_array_equal(axis.get_lines()[0].get_ydata(), values)
        assert axis.get_xlabel() == plots.LABELS["iteration"] and word in axis.get_ylabel()
        assert axis.get_ylim()[0] == 0 and axis.get_ylim()[1] > max(values)


def test_weight_differences_draw_a_line_for_each_run_and_leave_out_zeros():
    rows = pd.DataFrame({"iteration": [1, 10, 100], "difference": [0.0, 1e-8, 1e-7]})
    runs = {
        ("TensorFlow", "float32"): rows,
        ("TensorFlow", "float64"): rows.assign(difference=1e-17),
        ("λ forgotten", "float32"): rows.assign(difference=1e-5),
    }
    axes = plots.weight_differences(runs, "Small", anchor=(10, 1e-8))
    assert (axes.get_xscale(), axes.get_yscale(), axes.get_title()) == ("log", "log", "Small")
    single, double, error, *guides = axes.get_lines()
    np.testing.assert_array_equal(single.get_xdata(), [10, 100])
    np.testing.assert_array_equal(double.get_ydata(), [1e-17] * 3)
    # One color and marker per implementation; the precision is in the line.
    assert single.get_color() == double.get_color() != error.get_color()
    assert single.get_marker() == double.get_marker() != error.get_marker()
    assert single.get_linestyle() != double.get_linestyle()
    for guide, power in zip(guides, [0.5, 1], strict=True):
        np.testing.assert_array_equal(guide.get_xdata(), [10, 100])
        np.testing.assert_allclose(guide.get_ydata(), [1e-8, 1e-8 * 10**power])
    assert legend(axes) == ["TensorFlow, float32", "TensorFlow, float64", "λ forgotten, float32"]
    assert "ΔW" in axes.get_ylabel() and "iteration" in axes.get_xlabel()


def test_update_times_draw_a_line_for_each_implementation_and_a_guide():
    times = pd.DataFrame({"NumPy": [20.0, 200.0], "PyTorch": [100.0, 150.0]}, index=[1, 100])
    axes = plots.update_times(times, "Calls and images")
    assert (axes.get_xscale(), axes.get_yscale()) == ("log", "log")
    torch_line, numpy_line, guide = axes.get_lines()  # the highest at the start first
    np.testing.assert_array_equal(numpy_line.get_ydata(), times["NumPy"])
    np.testing.assert_array_equal(torch_line.get_xdata(), times.index)
    np.testing.assert_array_equal(guide.get_ydata(), [20.0, 2000.0])
    assert legend(axes) == ["PyTorch", "NumPy", "proportional to B"]
    assert "µs" in axes.get_ylabel() and "batch size" in axes.get_xlabel()


def test_an_implementation_looks_the_same_in_every_figure():
    rows = study_rows()[:3]
    times = pd.DataFrame({"NumPy": [20.0, 200.0]}, index=[1, 100])
    difference = pd.DataFrame({"iteration": [1, 10], "difference": [1e-8, 1e-7]})
    lines = [
        plots.overlay({"NumPy": rows}, "")[0].get_lines()[0],
        plots.update_times(times, "").get_lines()[0],
        plots.weight_differences({("NumPy", "float32"): difference}, "", (1, 1)).get_lines()[0],
    ]
    assert len({line.get_color() for line in lines}) == 1


def points(axes):
    """The positions of all scatter points, in the order in which they were drawn."""
    return np.concatenate([scatter.get_offsets() for scatter in axes.collections])


def to_target(batch_sizes=(1, 4, 16), seeds=(0, 1, 2)):
    return pd.DataFrame(
        [
            dict(batch_size=B, seed=seed, updates=(100 + seed) / B, examples=100 + seed, seconds=B)
            for B in batch_sizes
            for seed in seeds
        ]
    )


def test_learning_rate_map_shows_every_cell_and_frames_the_best():
    grid = pd.DataFrame(
        [
            (1, 0.1, 0.3),
            (1, 0.2, 0.5),
            (1, 0.4, 9.0),
            (10, 0.1, 0.8),
            (10, 0.2, 0.4),
            (10, 0.4, 0.6),
        ],
        columns=["batch_size", "learning_rate", "validation_loss"],
    )
    axes = plots.learning_rate_map(grid, {"limit": 0.2 * np.sqrt(2)}, "title")
    expected = np.array([[0.3, 0.5, 9.0], [0.8, 0.4, 0.6]]) / [[0.3], [0.4]] - 1
    np.testing.assert_allclose(axes.images[0].get_array(), expected, atol=1e-12)
    texts = ["0.300", "0.500", "–", "0.800", "0.400", "0.600"]
    assert [text.get_text() for text in axes.texts] == texts
    frames = [frame.get_xy() for frame in axes.patches]
    np.testing.assert_allclose(frames, [(-0.48, -0.48), (0.52, 0.52)])
    [top] = axes.child_axes
    assert top.get_xticks() == pytest.approx([1.5])
    assert axes.get_xlabel() == "learning rate" and axes.get_ylabel() == "batch size B"
    assert axes.figure.get_suptitle() == "title"


def test_rate_scaling_draws_rates_with_the_uncertainty_of_the_grid_and_fits_the_slope():
    rates = pd.Series({1: 0.1, 10: 1.0, 100: 10.0, 1000: 10.0})
    axes, slope, uncertainty = plots.rate_scaling(rates, "title", fit_up_to=100)
    assert slope == pytest.approx(1)
    # Both ends moved by half a step: log √2 each way, over a distance of log 100.
    assert uncertainty == pytest.approx(np.log(2) / np.log(100))
    np.testing.assert_allclose(axes.lines[0].get_ydata(), [0.1, 1, 10, 100])
    np.testing.assert_allclose(axes.lines[1].get_ydata(), 0.1 * np.sqrt([1, 10, 100, 1000]))
    drawn = [bars.lines[0].get_xydata()[0] for bars in axes.containers]
    np.testing.assert_allclose(drawn, list(rates.items()))
    [bar] = axes.containers[0].lines[2][0].get_segments()
    np.testing.assert_allclose(bar[:, 1], [0.1 / np.sqrt(2), 0.1 * np.sqrt(2)])


def test_noise_ball_draws_gaps_against_rate_over_batch_size_beside_the_theory():
    rows = pd.DataFrame(
        dict(
            batch_size=[10, 10, 10],
            learning_rate=[0.1, 0.2, 0.2],
            gap=[1.0, 2.0, 3.0],
            replace=[True, True, False],
        )
    )
    axes = plots.noise_ball(rows, 8.0, "title")
    [theory] = axes.lines
    np.testing.assert_allclose(theory.get_ydata(), 2 * theory.get_xdata())
    np.testing.assert_allclose(points(axes), [(0.01, 1), (0.02, 2), (0.02, 3)])
    filled, opened = axes.collections
    assert to_rgb(filled.get_facecolor()[0]) == to_rgb(plots.batch_color(10))
    assert to_rgb(opened.get_facecolor()[0]) == (1, 1, 1)
    assert legend(axes) == [
        "theory η·tr Σ / 4B",
        "B = 10, with replacement",
        "B = 10, fresh permutations",
    ]


def test_scaling_draws_medians_the_ideal_and_the_noise_scale():
    noise = pd.DataFrame(dict(iteration=[0, 1, 10], noise_scale=[70.0, 80.0, 300.0]))
    axes = plots.scaling(to_target(), noise, "title")
    medians = [scatter.get_offsets()[0] for scatter in axes[0].collections[-3:]]
    np.testing.assert_allclose(medians, [(1, 101), (4, 101 / 4), (16, 101 / 16)])
    [ideal] = [line for line in axes[0].lines if line.get_label().startswith("perfect")]
    np.testing.assert_allclose(ideal.get_xydata(), [(1, 101), (4, 101 / 4), (16, 101 / 16)])
    band = axes[0].patches[0].get_extents().transformed(axes[0].transData.inverted())
    assert (band.x0, band.x1) == pytest.approx((70, 300))
    np.testing.assert_array_equal(axes[1].lines[0].get_xydata(), [(1, 80), (10, 300)])


def test_costs_to_target_draw_medians_of_examples_and_seconds():
    axes = plots.costs_to_target(to_target(), "title", within=4.5)
    medians = [[scatter.get_offsets()[0][1] for scatter in axis.collections] for axis in axes]
    assert medians[0][-3:] == [101] * 3 and medians[1][-4:-1] == [1, 4, 16]
    assert [axis.get_ylabel() for axis in axes] == [
        "examples to the target",
        "seconds to the target",
    ]
    rings = axes[1].collections[-1].get_offsets()
    np.testing.assert_array_equal(rings, [[1, 1], [4, 4]])
    assert legend(axes[1]) == ["within 4.5 × the fastest"]


def test_collapse_draws_every_run_against_epochs_and_iterations():
    rows = study_rows(seeds=(0, 1))
    axes = plots.collapse(rows, "title")
    for axis, x in zip(axes, ["epoch", "iteration"], strict=True):
        runs = rows[rows["iteration"] > 0].groupby(["batch_size", "seed"])
        for line, (_, run) in zip(axis.lines, runs, strict=True):
            np.testing.assert_array_equal(line.get_xdata(), run[x])
            np.testing.assert_array_equal(line.get_ydata(), run["gap"])


def test_differences_draw_means_with_both_intervals():
    table = pd.DataFrame(
        dict(
            mean=[0.1, -0.2],
            low=[-0.1, -0.5],
            high=[0.3, 0.1],
            image_low=[0.0, -0.3],
            image_high=[0.2, -0.1],
        ),
        index=["a", "b"],
    )
    axes = plots.differences(table, "title")
    for bars, kind in zip(axes.containers, ["", "image_"], strict=True):
        np.testing.assert_allclose(bars.lines[0].get_xdata().astype(float), [0.1, -0.2])
        ends = [each[:, 0].astype(float) for each in bars.lines[2][0].get_segments()]
        np.testing.assert_allclose(ends, table[[f"{kind}low", f"{kind}high"]])
    assert [label.get_text() for label in axes.get_yticklabels()] == ["a", "b"]
    assert legend(axes) == ["interval over seeds", "interval over test images"]


def test_residual_norms_are_drawn_beside_the_square_root_and_the_loss():
    table = pd.DataFrame(dict(norm=[1.0, 10.0], cross_entropy=[0.3, 0.3]), index=[1, 100])
    axes = plots.residual_norms(table, "title")
    np.testing.assert_allclose(points(axes), [(1, 1), (100, 10), (1, 0.3), (100, 0.3)])
    np.testing.assert_allclose(axes.lines[0].get_ydata(), [1, 10])


def test_seconds_by_code_label_a_line_for_each_code():
    seconds = pd.DataFrame({"NumPy": [9.0, 2.0], "compiled": [1.0, 1.0]}, index=[1, 10])
    axes = plots.seconds_by_code(seconds, "title")
    np.testing.assert_array_equal(axes.lines[0].get_xydata(), [(1, 9), (10, 2)])
    assert [text.get_text() for text in axes.texts] == ["NumPy", "compiled"]
    assert "seconds" in axes.get_ylabel() and axes.get_xlabel() == plots.LABELS["batch_size"]


def test_gradient_clouds_share_their_axes_and_draw_the_spread():
    rng = np.random.default_rng(0)
    clouds = {B: rng.normal(size=(50, 2)) / B for B in (1, 10, 100, 1000)}
    axes = plots.gradient_clouds(clouds, pd.Series({B: B**-0.5 for B in clouds}), "title")
    assert len({axes[B].get_xlim() for B in clouds}) == 1
    for B, cloud in clouds.items():
        np.testing.assert_array_equal(axes[B].collections[0].get_offsets(), cloud)
    guide, *marks = axes["spread"].lines
    np.testing.assert_allclose([mark.get_ydata()[0] for mark in marks], guide.get_ydata())


def slice_arguments():
    plane = np.linspace(0, 1, 5), np.linspace(-1, 1, 4)
    J = np.add.outer(plane[1] ** 2, (plane[0] - 1) ** 2)
    runs = {B: np.column_stack([np.linspace(0, 1, 6)] * 2) / B for B in (1, 10)}
    return plane, J, runs, "title"


def test_slice_draws_each_run_on_the_plane():
    plane, J, runs, title = slice_arguments()
    axes = plots.slice_of_objective(plane, J, runs, title)
    for line, points_of_run in zip(axes.lines, runs.values(), strict=False):
        np.testing.assert_array_equal(line.get_xydata(), points_of_run)
    assert legend(axes) == ["B = 1", "B = 10"]
    assert {"start", "optimum"} <= {text.get_text() for text in axes.texts}


def test_animation_of_the_slice_is_small_and_leaves_no_figure_behind():
    html = plots.animate_slice(*slice_arguments())
    assert html.count("data:image/png;base64") == 6 and len(html) < 1_500_000
    assert plt.get_fignums() == []


def test_learning_rate_curves_show_one_run_in_color_among_those_of_its_batch_size():
    rows = pd.concat(
        [
            study_rows().assign(learning_rate=rate, train_loss=rate, validation_accuracy=0.9)
            for rate in (0.1, 0.2)
        ]
    )
    batch_size = int(rows["batch_size"].iloc[0])
    axes = plots.learning_rate_curves(rows, batch_size, 0.2)
    assert [line.get_ydata()[0] for line in axes[0].lines] == [0.1, 0.2]
    assert to_rgb(axes[0].lines[1].get_color()) == to_rgb(plots.batch_color(batch_size))
    assert legend(axes[0]) == ["learning rate 0.2"]


def test_learning_rate_curves_draw_one_line_for_all_seeds_of_a_rate():
    rows = study_rows(seeds=(0, 1, 2)).assign(learning_rate=0.1, validation_accuracy=0.9)
    axes = plots.learning_rate_curves(rows, 10, 0.1)
    [line] = axes[0].lines
    expected = rows.query("batch_size == 10 and seed == 1")  # the middle one everywhere
    np.testing.assert_allclose(line.get_xydata(), expected[["epoch", "train_loss"]])


def test_gaps_draw_a_line_for_each_run_without_iteration_zero():
    rows = study_rows().query("batch_size == batch_size.min()")
    axes = plots.gaps({"one": rows, "two": rows.assign(gap=3.0)}, "title", level=("ball", 0.5))
    later = rows[rows["iteration"] > 0]
    np.testing.assert_array_equal(axes.lines[0].get_xydata(), later[["iteration", "gap"]])
    assert set(axes.lines[1].get_ydata()) == {3.0} and set(axes.lines[2].get_ydata()) == {0.5}
    assert [text.get_text() for text in axes.texts] == ["ball", "one", "two"]


def test_learning_rate_map_leaves_cells_empty_that_were_not_measured():
    grid = pd.DataFrame(
        dict(
            batch_size=[1] * 3 + [10] * 3,
            learning_rate=[0.1, 0.2, 0.4, 0.2, 0.4, 0.8],
            validation_loss=[0.5, 0.4, 0.6] * 2,
        )
    )
    axes = plots.learning_rate_map(grid, {}, "")
    frames = [frame.get_xy() for frame in axes.patches]
    np.testing.assert_allclose(frames, [(0.52, -0.48), (1.52, 0.52)])
    assert [text.get_text() for text in axes.texts] == ["0.500", "0.400", "0.600"] * 2
