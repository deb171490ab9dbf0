"""What an update costs here and elsewhere: `python -m benchmarks.bench`, or `make bench`.

Every implementation lives in a process of its own, with the threads it gives itself. They take
turns, so that whatever else the machine does meets them all alike. The first turn does not count:
it compiles and fills the caches. Prints a table and the targets, writes `build/benchmark.csv` (all
repetitions) and `build/benchmark.png`, and with `--readme` the README's table. On a busy machine
only ratios within one run mean something.
"""

import json
import multiprocessing
import os
import subprocess
import sys
import time
from pathlib import Path

# Settings for another machine's BLAS would slow NumPy down. Before the first import of NumPy.
for name in ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE"):
    os.environ.pop(name, None)
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("JAX_PLATFORMS", "cpu")

import matplotlib  # noqa: E402
import numpy as np  # noqa: E402
import pandas as pd  # noqa: E402

from benchmarks.implementations import IMPLEMENTATIONS  # noqa: E402
from tools.notebooks import with_table  # noqa: E402

ROOT = Path(__file__).resolve().parent.parent
BUILD = ROOT / "build"
BATCH_SIZES = (1, 10, 100, 1000)
UPDATES = {1: 1000, 10: 500, 100: 100, 1000: 20}  # in one call
REPETITIONS = 7
SECONDS = 0.15  # a turn lasts at least this long
SAMPLE, NUMPY, NUMBA = list(IMPLEMENTATIONS)[:3]


def work(name, connection):
    """A process that makes updates of one implementation: gets batch sizes, sends µs per update."""
    from helpers.data import load_mnist

    try:
        mnist = load_mnist()
        rng = np.random.default_rng(0)
        runs = {}
        for batch_size in iter(connection.recv, None):
            if batch_size not in runs:
                runs[batch_size] = IMPLEMENTATIONS[name](mnist.X_train, mnist.Y_train, batch_size)
            run = runs[batch_size]
            rows_per_call = batch_size * UPDATES[batch_size]
            seconds, updates = 0.0, 0
            while run and seconds < SECONDS:
                rows = rng.permutation(len(mnist.X_train))[:rows_per_call]
                started = time.perf_counter()
                run(rows)
                seconds += time.perf_counter() - started
                updates += UPDATES[batch_size]
            connection.send(seconds / updates * 1e6 if run else None)
    except ImportError as error:
        connection.send(f"absent: {error}")


def measure_updates():
    """A table with one row per implementation, batch size and repetition; names of the absent."""
    context = multiprocessing.get_context("spawn")
    connections, processes, absent, rows = {}, [], {}, []
    for name in IMPLEMENTATIONS:
        connections[name], other_end = context.Pipe()
        processes.append(context.Process(target=work, args=(name, other_end), daemon=True))
        processes[-1].start()
        other_end.close()
    for repetition in range(-1, REPETITIONS):
        for batch_size in BATCH_SIZES:
            for name in [name for name in connections if name not in absent]:
                try:
                    connections[name].send(batch_size)
                    answer = connections[name].recv()
                except (EOFError, BrokenPipeError):
                    answer = "absent: its process ended"
                if isinstance(answer, str):
                    absent[name] = answer
                elif answer is not None and repetition >= 0:
                    rows.append((name, batch_size, repetition, answer))
        print(".", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    for name in set(connections) - set(absent):
        connections[name].send(None)
    for process in processes:
        process.join()
    columns = ["implementation", "batch_size", "repetition", "microseconds_per_update"]
    return pd.DataFrame(rows, columns=columns), absent


def part(*arguments):
    """A measurement of `benchmarks.parts` in a fresh process; None, and a line, where it failed."""
    command = [sys.executable, "-m", "benchmarks.parts", *map(str, arguments)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    if done.returncode:
        print(f"{arguments[0]}: could not be measured: {done.stderr.splitlines()[-1]}")
        return None
    return json.loads(done.stdout)


def dense_ceiling(machine, batch_size, num_features=784, num_classes=10):
    """µs that reading a minibatch once and multiplying all its pixels twice takes at the least."""
    seconds = max(
        batch_size * num_features * 4 / machine["bytes_per_second"],
        4 * batch_size * num_features * num_classes / machine["flops_per_second"],
    )
    return seconds * 1e6


def plot(costs, ceiling, path):
    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(figsize=(7, 5), layout="constrained")
    for name, of_one in costs.groupby("implementation", sort=False):
        quartiles = of_one.groupby("batch_size")["microseconds_per_update"].quantile(
            [0.25, 0.5, 0.75]
        )
        low, median, high = (quartiles.xs(q, level=1) for q in (0.25, 0.5, 0.75))
        axes.errorbar(
            median.index,
            median,
            yerr=[median - low, high - median],
            marker="o",
            linewidth=3 if name.startswith("ours") else 1,
            capsize=3,
            label=name,
        )
    axes.plot(ceiling.index, ceiling, "k--", label="ceiling if all pixels are multiplied")
    axes.set(
        xscale="log",
        yscale="log",
        xlabel="batch size",
        ylabel="time per update (µs)",
        title="What an update costs (median and quartiles)",
    )
    axes.legend(fontsize="small")
    figure.savefig(path, dpi=120)


def target(text, ratio, limit, at_least=False):
    met = ratio >= limit if at_least else ratio <= limit
    sign = "≥" if at_least else "≤"
    print(f"  {'met   ' if met else 'MISSED'} {text}: {ratio:.2f} (target {sign} {limit})")


def readme_table(median):
    """Markdown of the medians as multiples of those of our numba engine."""
    multiples = median.div(median.loc[NUMBA]).drop(index=NUMBA)
    cells = multiples.map(lambda ratio: f"{ratio:.2g}" if ratio < 10 else f"{ratio:.0f}")
    cells = cells.where(median.notna(), "–").rename_axis("implementation")
    cells.columns = [f"B = {B}" for B in cells.columns]
    of_numba = ", ".join(f"{time:.2g}" for time in median.loc[NUMBA])
    note = f"Medians of {REPETITIONS} turns on {os.cpu_count()} cores; 1 is {of_numba} µs."
    right = ["left", *["right"] * len(cells.columns)]
    return f"{cells.to_markdown(colalign=right, disable_numparse=True)}\n\n{note}"


def main():
    BUILD.mkdir(exist_ok=True)
    machine = part("ceiling")
    costs, absent = measure_updates()
    costs.to_csv(BUILD / "benchmark.csv", index=False)

    by = costs.groupby(["implementation", "batch_size"], sort=False)["microseconds_per_update"]
    median = by.median().unstack()
    spread = (by.quantile(0.75) - by.quantile(0.25)).unstack()
    ceiling = pd.Series({B: dense_ceiling(machine, B) for B in BATCH_SIZES})
    plot(costs, ceiling, BUILD / "benchmark.png")

    print("\nMicroseconds per update, median ± distance of the quartiles")
    print(f"{'batch size':26}" + "".join(f"{B:>19}" for B in BATCH_SIZES))
    for name in median.index:
        cells = (
            f"{median.loc[name, B]:.2f} ± {spread.loc[name, B]:.2f}" if by_is_there else "–"
            for B in BATCH_SIZES
            for by_is_there in [np.isfinite(median.loc[name, B])]
        )
        print(f"{name:26}" + "".join(f"{cell:>19}" for cell in cells))
    print(f"{'ceiling, all pixels':26}" + "".join(f"{ceiling[B]:>19.2f}" for B in BATCH_SIZES))
    print(
        f"Ceiling: {machine['bytes_per_second'] / 1e9:.1f} GB/s from memory, "
        f"{machine['flops_per_second'] / 1e9:.0f} GFLOP/s in a float32 product. Our numba engine "
        "skips the pixels that are 0."
    )
    for name, why in absent.items():
        print(f"{name}: {why}")

    print("\nTargets")
    peers = median.drop(index=[NUMPY, NUMBA])
    for B, limit in zip(BATCH_SIZES, (0.2, 0.8, 0.7, 1.0), strict=True):
        fastest = peers[B].idxmin()
        target(f"B = {B}: ours ÷ {fastest}", median.loc[NUMBA, B] / peers.loc[fastest, B], limit)
    for B in BATCH_SIZES:
        target(f"B = {B}: numpy ÷ sample", median.loc[NUMPY, B] / median.loc[SAMPLE, B], 1.3)
    seconds = {
        name: sum(median.loc[name, B] * 50 * 60_000 / B for B in BATCH_SIZES) / 1e6
        for name in (SAMPLE, NUMPY, NUMBA)
    }
    target("four sample runs: sample ÷ ours", seconds[SAMPLE] / seconds[NUMBA], 12, at_least=True)

    alone, parallel = part("four_runs", 1), part("four_runs", -1)
    if alone and parallel:
        updates, parallel_updates = sum(alone["updates"]), sum(parallel["updates"])
        target("four sample runs: all but updates ÷ updates", alone["wall"] / updates - 1, 1.0)
        speedup = alone["wall"] / parallel["wall"]
        target("four sample runs: one at a time ÷ parallel", speedup, 1.4, at_least=True)
    whole_study = part("notebook")
    if whole_study:
        target("study (notebook 3): peak memory in GB", whole_study["peak_bytes"] / 1e9, 1.0)
    prepared = part("data")
    if prepared:
        ratio = prepared["one_by_one"] / prepared["at_once"]
        target("data: one by one ÷ preprocess_data", ratio, 20, at_least=True)
    for batch_size, of_sizes in (part("scale") or {}).items():
        ratio = max(of_sizes) / min(of_sizes)
        target(f"B = {batch_size}: 10,000 to 600,000 examples, dearest ÷ cheapest", ratio, 1.3)

    print("\nSeconds")
    print(
        "  updates of the four sample runs: "
        + ", ".join(f"{n} {s:.1f}" for n, s in seconds.items())
    )
    if alone and parallel:
        print(
            f"  these runs, evaluated after each epoch: {alone['wall']:.1f} one at a time "
            f"(updates {updates:.1f}), {parallel['wall']:.1f} in parallel (updates "
            f"{parallel_updates:.1f}), peak {parallel['peak_bytes'] / 1e6:.0f} MB; CPU time "
            f"{alone['cpu']:.1f} and {parallel['cpu']:.1f}"
        )
    if whole_study:
        print(f"  study (notebook 3), from an empty cache of runs: {whole_study['wall']:.0f}")
    if prepared:
        print(
            f"  preparing 60,000 images: {prepared['at_once']:.3f} at once, "
            f"{prepared['one_by_one']:.1f} one by one"
        )
    if "--readme" in sys.argv:
        readme = ROOT / "README.md"
        text = with_table(readme.read_text(encoding="utf-8"), "benchmark", readme_table(median))
        readme.write_text(text, encoding="utf-8")
    print(f"\nAll repetitions: {BUILD / 'benchmark.csv'}, plot: {BUILD / 'benchmark.png'}")


if __name__ == "__main__":
    main()
