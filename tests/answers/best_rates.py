"""Answers to `checks.best_rates`."""

import numpy as np

from answers.answer import correct, mutant


def lowest_mean(rows, column):
    means = rows.groupby(["batch_size", "learning_rate"])[column].mean()
    return means.unstack().idxmin(axis=1)


@mutant("best_rates", "chosen on the test set")
def lowest_test_loss(rows):
    return lowest_mean(rows, "test_loss")


@mutant("best_rates", "chosen on the test set")
def highest_test_accuracy(rows):
    means = rows.groupby(["batch_size", "learning_rate"])["test_accuracy"].mean()
    return means.unstack().idxmax(axis=1).to_dict()


@mutant("best_rates", "chosen on the test set")
def run_with_the_highest_test_accuracy(rows):
    best = {}
    for B, group in rows.groupby("batch_size"):
        best[B] = group.sort_values("test_accuracy").iloc[-1]["learning_rate"]
    return best


@mutant("best_rates", "chosen on the test set")
def run_with_the_lowest_test_loss(rows):
    best = rows.loc[rows.groupby("batch_size")["test_loss"].idxmin()]
    return dict(zip(best["batch_size"], best["learning_rate"], strict=True))


@mutant("best_rates", "the worst rate chosen")
def highest_validation_loss(rows):
    finite = rows[np.isfinite(rows["validation_loss"])]
    means = finite.groupby(["batch_size", "learning_rate"])["validation_loss"].mean()
    return means.unstack().idxmax(axis=1)


@mutant("best_rates", "one seed decides")
def luckiest_run(rows):
    best = rows.loc[rows.groupby("batch_size")["validation_loss"].idxmin()]
    return best.set_index("batch_size")["learning_rate"]


@mutant("best_rates", "one seed decides")
def last_seed_overwrites_the_others(rows):
    best = {}
    for _, row in rows.iterrows():
        best.setdefault(row["batch_size"], {})[row["learning_rate"]] = row["validation_loss"]
    return {B: min(losses, key=losses.get) for B, losses in best.items()}


@mutant("best_rates", "not the mean over the seeds")
def median_of_the_seeds(rows):
    medians = rows.groupby(["batch_size", "learning_rate"])["validation_loss"].median()
    return medians.unstack().idxmin(axis=1)


@mutant("best_rates", "not the mean over the seeds")
def sum_over_the_seeds(rows):
    sums = rows.groupby(["batch_size", "learning_rate"])["validation_loss"].sum()
    return sums.unstack().idxmin(axis=1)


@mutant("best_rates", "not the mean over the seeds")
def worst_seed(rows):
    largest = rows.groupby(["batch_size", "learning_rate"])["validation_loss"].max()
    return largest.unstack().idxmin(axis=1)


@mutant("best_rates")
def smaller_than_one(rows):
    means = rows.groupby(["batch_size", "learning_rate"])["validation_loss"].mean()
    best = {}
    for B, losses in means.groupby("batch_size"):
        smallest, best[B] = 1, 0.0
        for (_, rate), loss in losses.items():
            if loss < smallest:
                smallest, best[B] = loss, rate
    return best


@correct("best_rates")
def in_single_precision(rows):
    return lowest_mean(rows, "validation_loss").astype(np.float32)


@mutant("best_rates", "one seed decides")
def first_seed_only(rows):
    return lowest_mean(rows[rows["seed"] == rows["seed"].min()], "validation_loss")


@mutant("best_rates", "diverged runs left out")
def diverged_runs_forgiven(rows):
    return lowest_mean(rows[np.isfinite(rows["validation_loss"])], "validation_loss")


@mutant("best_rates", "one rate for all batch sizes")
def one_rate_for_all(rows):
    best = rows.groupby("learning_rate")["validation_loss"].mean().idxmin()
    return dict.fromkeys(rows["batch_size"].unique(), best)


@mutant("best_rates", "losses in place of rates")
def lowest_losses_in_place_of_rates(rows):
    means = rows.groupby(["batch_size", "learning_rate"])["validation_loss"].mean()
    return means.unstack().min(axis=1)


@mutant("best_rates")
def one_batch_size_left_out(rows):
    return lowest_mean(rows, "validation_loss").iloc[1:]


@correct("best_rates")
def by_groups(rows):
    return lowest_mean(rows, "validation_loss")


@correct("best_rates")
def by_loops(rows, column="validation_loss"):
    best = {}
    for B in sorted(set(rows["batch_size"])):
        smallest = np.inf
        for rate in rows["learning_rate"].unique():
            of_rate = (rows["batch_size"] == B) & (rows["learning_rate"] == rate)
            mean = np.mean(rows[of_rate][column])
            if mean < smallest:
                smallest, best[int(B)] = mean, float(rate)
    return best


@correct("best_rates")
def by_a_pivot_table(rows):
    table = rows.pivot_table("validation_loss", "learning_rate", "batch_size", aggfunc="mean")
    return table.idxmin().to_dict()


@correct("best_rates")
def by_sorting_means(rows):
    keys = ["batch_size", "learning_rate"]
    means = rows.groupby(keys, as_index=False)["validation_loss"].mean()
    best = means.sort_values("validation_loss").drop_duplicates("batch_size")
    return best.set_index("batch_size")["learning_rate"]


@correct("best_rates")
def by_a_new_column_of_rows(rows):
    keys = ["batch_size", "learning_rate"]
    rows["mean"] = rows.groupby(keys)["validation_loss"].transform("mean")
    best = rows.loc[rows.groupby("batch_size")["mean"].idxmin()]
    return dict(zip(best["batch_size"], best["learning_rate"], strict=True))


@mutant("best_rates", "not the mean over the seeds")
def worst_run_of_each_rate(rows):
    return lowest_mean_of(rows, "max")


@mutant("best_rates", "one seed decides")
def best_run_of_each_rate(rows):
    return lowest_mean_of(rows, "min")


def lowest_mean_of(rows, statistic):
    found = rows.groupby(["batch_size", "learning_rate"])["validation_loss"].agg(statistic)
    return found.unstack().idxmin(axis=1)
