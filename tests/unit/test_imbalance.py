import numpy as np
import pytest

from imbench.data.dataset import Dataset
from imbench.data.imbalance import KeepRatios, LongTail, Step
from imbench.data.load import load_dataset
from imbench.errors import ConfigError, DataError
from imbench.results.store import Store
from imbench.run.cell import Runner
from tests.cells import cell_of
from tests.dataset_files import dataset_node


def rows(counts, n_test=0, class_names=None):
    """A data set of row numbers. The last `n_test` rows of each class are the test set."""
    y = np.concatenate(
        [np.repeat(np.arange(len(counts)), counts)] + [np.arange(len(counts))] * n_test
    )
    order = np.random.default_rng(7).permutation(sum(counts))
    y[: sum(counts)] = y[order]
    return Dataset(
        name="rows",
        X=np.arange(len(y), dtype=np.float64)[:, None],
        y=y.astype(np.int64),
        class_names=class_names or tuple(map(str, range(len(counts)))),
        test_index=np.arange(sum(counts), len(y)) if n_test else None,
    )


def kept(data):
    return set(data.X[data.pool_index, 0].tolist())


@pytest.mark.parametrize(
    ("n_classes", "size", "ratio", "total"),
    [
        (10, 5000, 100, 12_406),
        (10, 5000, 50, 13_996),
        (100, 500, 100, 10_847),
        (100, 500, 50, 12_608),
    ],
)
def test_long_tail_keeps_the_published_number_of_cifar_rows(n_classes, size, ratio, total):
    assert len(LongTail(ratio)(rows([size] * n_classes)).y) == total


def test_long_tail_keeps_the_published_class_sizes_of_cifar10():
    counts = LongTail(100)(rows([5000] * 10)).counts
    assert counts.tolist() == [5000, 2997, 1796, 1077, 645, 387, 232, 139, 83, 50]


def test_long_tail_puts_the_largest_class_first_and_reaches_the_ratio():
    assert LongTail(10)(rows([300, 700])).counts.tolist() == [70, 700]


def test_long_tail_in_label_order_puts_class_0_first():
    assert LongTail(10, order="label")(rows([300, 700])).counts.tolist() == [300, 30]


def test_long_tail_keeps_all_rows_of_a_class_below_its_target():
    assert LongTail(4)(rows([100, 30, 28])).counts.tolist() == [100, 30, 25]


def test_step_cuts_the_later_half_of_equal_classes_to_one_size():
    assert Step(10)(rows([50] * 5)).counts.tolist() == [50, 50, 50, 5, 5]


def test_step_cuts_the_given_share_of_classes_the_smallest_first():
    counts = Step(5, minority_share=0.25)(rows([40, 35, 50, 45])).counts
    assert counts.tolist() == [40, 10, 50, 45]


def test_step_in_label_order_cuts_the_last_labels():
    counts = Step(5, order="label")(rows([40, 35, 50, 45])).counts
    assert counts.tolist() == [40, 35, 8, 8]


def test_keep_ratios_truncates_exactly():
    assert KeepRatios({"0": 0.29}, others=0.1)(rows([100, 99])).counts.tolist() == [29, 9]


def test_keep_ratios_keeps_one_row_of_a_class_with_a_share():
    assert KeepRatios({}, others=0.1)(rows([100, 3])).counts.tolist() == [10, 1]


def test_keep_ratios_reads_yaml_numbers_as_names():
    assert KeepRatios({0: 0.5})(rows([10, 10])).counts.tolist() == [5, 10]


@pytest.mark.parametrize(
    ("thin", "cut"),
    [
        (KeepRatios({"0": 0.9}, others=0.1), (1, 2, 3)),  # the tutorial
        (KeepRatios({"2": 0.3}), (2,)),
        (KeepRatios({}, others=0.3), ()),  # all alike, although rounding makes shares differ
        (KeepRatios({"1": 0, "3": 0.5}), (2,)),  # of the classes that are left
        (LongTail(10), (1, 2, 3)),
        (Step(10), (2, 3)),
        (Step(10, order="label", minority_share=0.25), (3,)),
    ],
)
def test_cut_classes_are_those_that_keep_a_smaller_share(thin, cut):
    data = thin(rows([101, 87, 73, 70], n_test=2))
    assert data.cut == cut
    assert data.rare == (cut or tuple(np.flatnonzero(data.counts < data.counts.mean())))


def test_the_largest_class_is_not_rare_even_if_it_was_cut():
    data = KeepRatios({"0": 0.5})(rows([900, 100]))
    assert data.counts.tolist() == [450, 100]
    assert (data.cut, data.rare) == ((), (1,))


def test_a_class_that_keeps_one_row_makes_no_other_class_rare():
    # One of 3 rows is a larger share than 10 of 100, but the same share was asked for.
    assert KeepRatios({}, others=0.1)(rows([100, 3])).cut == ()


def test_classes_below_the_mean_size_are_rare_where_nothing_was_cut():
    assert rows([50, 30, 10]).rare == (2,)
    assert rows([50, 20, 10]).rare == (1, 2)
    assert rows([20, 20]).rare == ()


def test_four_of_the_five_classes_of_page_blocks_are_rare(data_dir):
    node = dataset_node("dataset=keel", "dataset.table=page-blocks", f"data_dir={data_dir}")
    data = load_dataset(node)
    assert data.counts.tolist() == [4913, 329, 28, 87, 115]
    assert data.rare == (1, 2, 3, 4)
    assert data.info.minority == 2  # f1_minority is about its 28 rows alone


def test_share_0_drops_a_class_from_names_and_test_rows():
    data = KeepRatios({"b": 0, "c": 0.5})(rows([10, 8, 6], n_test=2, class_names=("a", "b", "c")))
    assert data.class_names == ("a", "c")
    assert data.counts.tolist() == [10, 3]
    assert data.y[data.test_index].tolist() == [0, 1, 0, 1]


@pytest.mark.parametrize("thin", [KeepRatios({"0": 0.9}, 0.2), LongTail(8), Step(4)])
def test_the_official_test_set_is_not_reduced(thin):
    before = rows([50, 40, 30], n_test=4)
    after = thin(before)
    assert after.counts.sum() < before.counts.sum()
    assert np.array_equal(after.X[after.test_index], before.X[before.test_index])
    assert np.array_equal(after.y[after.test_index], before.y[before.test_index])


def test_rows_keep_their_order_and_their_labels():
    before = rows([50, 40, 30])
    after = LongTail(8)(before)
    numbers = after.X[:, 0].astype(int)
    assert (np.diff(numbers) > 0).all()
    assert np.array_equal(before.y[numbers], after.y)


@pytest.mark.parametrize(
    ("smaller", "larger"),
    [
        (KeepRatios({}, others=0.1), KeepRatios({}, others=0.4)),
        (KeepRatios({"0": 0.5}, others=0.2), KeepRatios({"0": 0.5, "1": 0.9}, others=0.2)),
        (LongTail(50), LongTail(5)),
        (Step(50), Step(5)),
        (LongTail(50), KeepRatios({})),
    ],
)
def test_subsamples_of_one_seed_are_nested(smaller, larger):
    data = rows([90, 80, 70])
    assert kept(smaller(data)) < kept(larger(data))


@pytest.mark.parametrize("kind", [lambda s: KeepRatios({}, 0.5, s), lambda s: LongTail(5, seed=s)])
def test_the_seed_decides_which_rows_stay(kind):
    data = rows([90, 80, 70])
    assert kept(kind(1)(data)) == kept(kind(1)(data))
    assert kept(kind(1)(data)) != kept(kind(2)(data))
    assert kind(1)(data).counts.tolist() == kind(2)(data).counts.tolist()


def test_tutorial_leaves_10734_rows_of_mnist_and_the_whole_test_set(data_dir):
    whole, thin = (
        load_dataset(
            dataset_node("dataset=mnist", f"data_dir={data_dir}", f"dataset/imbalance={i}")
        )
        for i in ("none", "tutorial")
    )
    assert whole.counts.tolist() == [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]
    assert len(thin.pool_index) == 10_734
    assert thin.counts[0] == 5330
    assert thin.rare == tuple(range(1, 10))
    assert np.array_equal(thin.X[thin.test_index], whole.X[60_000:])


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: LongTail(0.5), "ratio must be a number of at least 1"),
        (lambda: LongTail(float("nan")), "ratio must be a number of at least 1"),
        (lambda: LongTail("x"), "got ratio='x'"),
        (
            lambda: LongTail(5, order="random"),
            "order must be 'size' or 'label', got order='random'",
        ),
        (lambda: Step(0), "got ratio=0"),
        (lambda: Step(5, minority_share=1), "minority_share must lie between 0 and 1, got 1"),
        (
            lambda: KeepRatios({"0": -0.1}),
            r"ratios\[0\] must be a share of the rows in 0..1, got -0.1",
        ),
        (lambda: KeepRatios({"0": 90}), r"ratios\[0\] must be a share of the rows in 0..1, got 90"),
        (lambda: KeepRatios({}, others=2), "others must be a share of the rows in 0..1, got 2"),
    ],
)
def test_invalid_values_are_rejected(make, sentence):
    with pytest.raises(ValueError, match=sentence):
        make()


def test_an_unknown_class_is_named_with_its_nearest():
    data = rows([5, 5], class_names=("negative", "positive"))
    with pytest.raises(ConfigError, match="no class 'positiv' \\(did you mean 'positive'\\?\\)"):
        KeepRatios({"positiv": 0.5})(data)


def test_a_ratio_below_that_of_the_data_is_rejected_with_its_value():
    with pytest.raises(DataError, match=r"ratio=3: dataset=rows is 10:1 as it is .10 rows of '1'."):
        LongTail(3)(rows([100, 10]))
    with pytest.raises(DataError, match="set a ratio of at least 10, or dataset/imbalance=none"):
        Step(3)(rows([100, 10]))


def test_dropping_all_but_one_class_is_rejected():
    with pytest.raises(DataError, match="the target has one class"):
        KeepRatios({"0": 0})(rows([5, 5]))


def test_overrides_reach_the_imbalance_through_hydra():
    node = dataset_node(
        "dataset=digits", "dataset/imbalance=keep", "dataset.imbalance.ratios={3: 0, 0: 0.5}"
    )
    data = load_dataset(node)
    assert data.class_names == tuple("012456789")
    assert data.counts[0] == 89


def test_a_value_rejected_in_the_configuration_names_the_node():
    node = dataset_node("dataset=digits", "dataset/imbalance=step", "dataset.imbalance.ratio=0.1")
    with pytest.raises(ConfigError, match=r"^dataset\.imbalance: ratio must be"):
        load_dataset(node)


def test_the_rare_classes_are_stored_with_every_fold(tmp_path):
    words = ("dataset=synthetic", "dataset.n_classes=3", "dataset.n_rows=240", "dataset.ratio=1")
    thin = ("dataset/imbalance=keep", "dataset.imbalance.ratios={1: 0.3, 2: 0.5}")
    for changes, rare in (((), ()), (thin, (1, 2))):
        cell = cell_of(*words, *changes, "model=decision_tree", "splits.n_splits=2")
        ran = Runner(tmp_path).run(cell)
        assert ran.status == "ok", ran.reason
        stored = next(c for c in Store(tmp_path).read_cells() if c.run_id == ran.run_id)
        assert {fold.rare for fold in (*ran.folds, *stored.folds)} == {rare}
