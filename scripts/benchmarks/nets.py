"""Rows that compare nets: against skorch in cross_validate, the floor, bagging, one GPU."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks import data
from benchmarks.outcome import Aim, NotMeasured, Outcome, Pair, judge, not_measured
from benchmarks.sides import Bench, Rows, as_pair, fastest_first
from imbench.data.dataset import Dataset
from imbench.data.splits import Fold, RepeatedKFold
from imbench.errors import DataError

PLAIN = "n_jobs=1"  # the default of cross_validate
SPREAD = "against skorch in a process a core where that is faster"
FOLDS = Aim("folds", "5 folds, MLP, 1,000 x 10, against skorch in cross_validate", 15)
FOLDS_SPREAD = Aim("folds_spread", f"the same, {SPREAD}")
FIRST = "the first fits of a process: no warm-up on either side"
FOLDS_FIRST = Aim("folds_first", f"5 folds, MLP, 1,000 x 10, against skorch, {FIRST}")
REPEATS = Aim("repeats", "5 folds x 20 repeats of the same", 35)
REPEATS_SPREAD = Aim("repeats_spread", f"the same, {SPREAD}")
MNIST = Aim("mnist_folds", "5 folds, MLP, imbalanced MNIST, against skorch", 2.5)
MNIST_SPREAD = Aim("mnist_folds_spread", f"the same, {SPREAD}")
MNIST_FIRST = Aim("mnist_folds_first", f"5 folds, MLP, imbalanced MNIST, {FIRST}")
FLOOR = Aim("mnist_floor", "the same against the arithmetic floor", 3, at_most=True)
BAGGING = Aim("bagging", "bagging of 20 nets against 20 fits, 1,000 x 10")
GPU_STACK = Aim("gpu_stack", "one GPU: 50 small nets as a stack against one", 2, at_most=True)
PEAK_SIZE = 2048  # of the matrices whose product shows what the machine can do
GPU_FOLDS = Aim("gpu_folds", "one GPU: 5 folds x 10 repeats against skorch", 100)


@dataclass(frozen=True)
class Net:
    """The net that both sides train; Adam, no validation rows.

    Parameters
    ----------
    hidden, epochs, batch_size : int
    lr : float
    """

    hidden: int
    epochs: int
    batch_size: int = 64
    lr: float = 1e-3

    def words(self, device: str = "cpu") -> list[str]:
        """Return what a user writes for it."""
        estimator = {
            "backbone.hidden": f"[{self.hidden}]",
            "epochs": self.epochs,
            "batch_size": self.batch_size,
            "lr": self.lr,
            "validation_fraction": 0,
        }
        named = [f"model.estimator.{key}={value}" for key, value in estimator.items()]
        return ["dataset=synthetic", "model=mlp", f"device={device}", *named]

    def job(self) -> dict[str, Any]:
        """Return what a peer reads."""
        names = ("hidden", "epochs", "batch_size", "lr")
        return {name: getattr(self, name) for name in names}

    def n_weights(self, n_features: int, n_classes: int) -> tuple[int, int]:
        """Return the weights of the two layers, without biases."""
        return n_features * self.hidden, self.hidden * n_classes

    def __str__(self) -> str:
        return (
            f"{self.hidden} hidden units, {self.epochs} epochs, batches of {self.batch_size}, "
            f"Adam {self.lr:g}"
        )


SMALL, LARGE = Net(64, 20), Net(256, 2)


def small(bench: Bench, net: Net = SMALL) -> Net:
    """Return the net of the smoke run: three epochs."""
    return Net(net.hidden, min(net.epochs, 3)) if bench.smoke else net


def job_of(
    bench: Bench, name: str, rows: Dataset, folds: Sequence[Fold], net: Net, device: str = "cpu"
) -> dict[str, Any]:
    """Write the data and return the job that both sides share."""
    warm_up = bench.folder / f"{name}-warm-up.npz"
    return {
        "data": str(data.write(bench.folder / f"{name}.npz", rows, folds)),
        "warm_up": str(data.write(warm_up, *data.warm_up(rows))),
        "images": rows.input_shape is not None,
        "n_classes": len(rows.class_names),
        "cores": bench.cores,
        "device": device,
        "words": net.words(device),
        "measure": "together",
        **net.job(),
    }


def against_skorch(
    bench: Bench, job: Mapping[str, Any], default_pairs: int, plain: bool = False
) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """Measure our folds and those of peer (b) in turns; in its fastest way unless ``plain``."""

    def peer(seed: int, how: str | None) -> dict[str, Any]:
        return bench.peer("peers", "skorch_folds.py", {**job, "seed": seed, "how": how})

    return bench.in_turns(
        lambda seed: bench.ours({**job, "seed": seed}),
        (lambda seed: peer(seed, PLAIN)) if plain else fastest_first(peer),
        default_pairs,
    )


def conditions(bench: Bench, net: Net, words: str, found: Sequence[tuple[Any, Any]]) -> str:
    """Say on what was measured."""
    return f"{words}; {net}; {bench.cores} cores, peer with {found[0][1]['how']}"


def table_folds(
    bench: Bench, aims: tuple[Aim, Aim], n_repeats: int, default_pairs: int
) -> list[Outcome]:
    """5 folds (x repeats) of 1,000 x 10, against the plain peer and against the fastest."""
    n_rows, n_repeats = (120, min(n_repeats, 2)) if bench.smoke else (1000, n_repeats)
    rows, folds = data.table(n_rows, 5, n_repeats)
    net = small(bench)
    job = job_of(bench, aims[0].name, rows, folds, net)
    where = f"synthetic {n_rows} x 10, {len(folds)} fits"
    outcomes = []
    for aim, plain in zip(aims, (True, False), strict=True):
        found = against_skorch(bench, job, default_pairs, plain)
        more = {"fit_predict_s": median(one["fit_predict_s"] for one, _ in found)}
        pairs = [as_pair(*pair) for pair in found]
        outcomes.append(judge(aim, pairs, conditions(bench, net, where, found), more))
    return outcomes


def first_table_folds(bench: Bench) -> list[Outcome]:
    """5 folds of 1,000 x 10 in processes that have imported everything and fitted nothing."""
    n_rows = 120 if bench.smoke else 1000
    rows, folds = data.table(n_rows, 5, 1)
    where = f"synthetic {n_rows} x 10, {len(folds)} fits"
    return first_folds(bench, FOLDS_FIRST, rows, folds, small(bench), where)


def first_mnist_folds(bench: Bench) -> list[Outcome]:
    """5 folds of the imbalanced MNIST, in the same way."""
    rows = images(bench)
    folds = RepeatedKFold(5).split(rows, 0)
    where = f"{len(rows.y):,} images of 784 pixels, {len(folds)} fits"
    return first_folds(bench, MNIST_FIRST, rows, folds, small(bench, LARGE), where)


def first_folds(
    bench: Bench, aim: Aim, rows: Dataset, folds: Sequence[Fold], net: Net, where: str
) -> list[Outcome]:
    """Measure both sides without a warm-up."""
    job = {**job_of(bench, aim.name, rows, folds, net), "is_first": True}
    found = against_skorch(bench, job, 3, plain=True)
    words = conditions(bench, net, where, found)
    return [judge(aim, [as_pair(*pair) for pair in found], words)]


def n_operations(net: Net, n_rows: int, n_features: int, n_classes: int) -> tuple[float, float]:
    """Count the floating-point operations of training on ``n_rows`` rows for the net's epochs.

    Returns
    -------
    six_a_weight : float
        2 for the forward product, and 2 each for the gradients of weights and of inputs.
    needed : float
        The first layer needs no gradient of its inputs: 4 a weight there.
    """
    first, second = net.n_weights(n_features, n_classes)
    shown = n_rows * net.epochs
    return 6.0 * (first + second) * shown, (4.0 * first + 6.0 * second) * shown


def mnist_folds(bench: Bench) -> list[Outcome]:
    """5 folds of 784-256-10 on the imbalanced MNIST: against (b), and against the floor."""
    rows, net = images(bench), small(bench, LARGE)
    folds = RepeatedKFold(5).split(rows, 0)
    size = 256 if bench.smoke else PEAK_SIZE
    job = {**job_of(bench, MNIST.name, rows, folds, net), "peak_size": size}
    where = f"{len(rows.y):,} images of 784 pixels, {len(folds)} fits"
    try:
        found = against_skorch(bench, job, 5, plain=True)
        spread = against_skorch(bench, job, 3)
    except NotMeasured as problem:  # the floor needs no peer
        ones = [bench.ours({**job, "seed": seed}) for seed in range(bench.pairs(5))]
        skipped = [not_measured(aim, str(problem)) for aim in (MNIST, MNIST_SPREAD)]
        return [*skipped, floor(bench, net, rows, folds, ones, where)]
    rivals = [(MNIST, found), (MNIST_SPREAD, spread)]
    return [
        *[
            judge(aim, [as_pair(*p) for p in pairs], conditions(bench, net, where, pairs))
            for aim, pairs in rivals
        ],
        floor(bench, net, rows, folds, [one for one, _ in found], where),
    ]


def floor(
    bench: Bench,
    net: Net,
    rows: Dataset,
    folds: Sequence[Fold],
    ones: Sequence[Mapping[str, Any]],
    where: str,
) -> Outcome:
    """Compare our seconds with those that the products alone would take at the measured peak."""
    n_train = sum(len(fold.train_index) for fold in folds)
    six, needed = n_operations(net, n_train, rows.X.shape[1], len(rows.class_names))
    pairs, more = [], []
    for one in ones:
        peak = max(one["peaks"])
        floor_s = six / peak / 1e9
        pairs.append(Pair(one["seconds"] / floor_s, one["seconds"], floor_s))
        more.append({"peak_gflops": peak, "ratio_needed": one["seconds"] / (needed / peak / 1e9)})
    peak = median(m["peak_gflops"] for m in more)
    words = (
        f"{where}; {net}; {bench.cores} cores, which reach {peak:.0f} GFLOP/s in float32 products "
        f"of {PEAK_SIZE:,} x {PEAK_SIZE:,}; {six / 1e9:.1f} GFLOP at 6 a weight and row, "
        f"{needed / 1e9:.1f} without gradients of the pixels"
    )
    counts = {
        "gflop_six": six / 1e9,
        "gflop_needed": needed / 1e9,
        "peak_gflops": peak,
        "ratio_needed": median(m["ratio_needed"] for m in more),
    }
    return judge(FLOOR, pairs, words, counts)


def images(bench: Bench) -> Dataset:
    """Return the imbalanced MNIST; made-up digits in the smoke run.

    Raises
    ------
    NotMeasured
        If the images are not there.
    """
    folder = image_folder(bench)
    try:
        return data.imbalanced_mnist(folder)
    except DataError as error:
        raise NotMeasured(str(error)) from error


def image_folder(bench: Bench) -> Path:
    """Return the folder that holds ``MNIST/raw``."""
    if bench.smoke:
        folder = bench.folder / "images"
        if not folder.exists():
            data.write_images(folder)
        return folder
    if bench.data_dir is None:
        raise NotMeasured("MNIST is not there: set IMBENCH_DATA to the folder with MNIST/raw.")
    return bench.data_dir


def bagging(bench: Bench) -> list[Outcome]:
    """Bag 20 nets as a stack, and one after the other."""
    n_rows, n_members, n_splits = (120, 3, 2) if bench.smoke else (1000, 20, 5)
    rows, folds = data.table(n_rows, n_splits, 1)
    net = small(bench)
    job = job_of(bench, BAGGING.name, rows, folds, net)
    bag = ["strategy=bagging", f"strategy.ensemble.bagging.n_estimators={n_members}"]
    stack = {**job, "words": [*job["words"], *bag], "measure": "one_by_one"}
    by_hand = {**job, "n_members": n_members, "measure": "separate"}
    found = bench.in_turns(
        lambda seed: bench.ours({**stack, "seed": seed}),
        lambda seed: bench.ours({**by_hand, "seed": seed}),
        5,
    )
    words = (
        f"synthetic {n_rows} x 10, {n_members} members on bootstrap samples, {n_splits} folds one "
        f"after the other; {net}; {bench.cores} cores, single fits with the faster of one thread "
        f"and one a core ({found[0][1]['how']})"
    )
    return [judge(BAGGING, [as_pair(*pair) for pair in found], words)]


def device(bench: Bench) -> str:
    """Return the device of the GPU rows.

    Raises
    ------
    NotMeasured
        If there is none; the smoke run takes the processor, to run the same lines.
    """
    if bench.smoke:
        return "cpu"
    import torch

    if not torch.cuda.is_available():
        raise NotMeasured("no CUDA device.")
    return "cuda"


def device_name(where: str) -> str:
    """Return the name of the GPU."""
    import torch

    return torch.cuda.get_device_name() if where == "cuda" else "the processor"


def gpu_stack(bench: Bench) -> list[Outcome]:
    """Train 50 nets as one stack, and one alone, on the GPU."""
    where = device(bench)
    n_rows, n_repeats = (120, 1) if bench.smoke else (1000, 10)
    rows, folds = data.table(n_rows, 5, n_repeats)
    net = small(bench)
    job = job_of(bench, GPU_STACK.name, rows, folds, net, where) | {"measure": "stack_and_one"}
    pairs = []
    for i in range(bench.pairs(5)):
        found = bench.ours({**job, "seed": i})
        ratio = found["seconds"] / found["one_s"]
        pairs.append(Pair(ratio, found["seconds"], found["one_s"], found["f1"], found["one_f1"]))
    words = f"synthetic {n_rows} x 10, {len(folds)} nets; {net}; {device_name(where)}"
    return [judge(GPU_STACK, pairs, words)]


def gpu_folds(bench: Bench) -> list[Outcome]:
    """Compare 5 folds x 10 repeats with skorch on the same GPU."""
    where = device(bench)
    n_rows, n_repeats = (120, 1) if bench.smoke else (1000, 10)
    rows, folds = data.table(n_rows, 5, n_repeats)
    net = small(bench)
    job = job_of(bench, GPU_FOLDS.name, rows, folds, net, where)
    found = against_skorch(bench, job, 3)
    words = f"synthetic {n_rows} x 10, {len(folds)} fits, {device_name(where)}"
    return [judge(GPU_FOLDS, [as_pair(*p) for p in found], conditions(bench, net, words, found))]


ROWS: Rows = {
    (FOLDS, FOLDS_SPREAD): partial(
        table_folds, aims=(FOLDS, FOLDS_SPREAD), n_repeats=1, default_pairs=5
    ),
    (FOLDS_FIRST,): first_table_folds,
    (REPEATS, REPEATS_SPREAD): partial(
        table_folds, aims=(REPEATS, REPEATS_SPREAD), n_repeats=20, default_pairs=3
    ),
    (MNIST, MNIST_SPREAD, FLOOR): mnist_folds,
    (MNIST_FIRST,): first_mnist_folds,
    (BAGGING,): bagging,
    (GPU_STACK,): gpu_stack,
    (GPU_FOLDS,): gpu_folds,
}
