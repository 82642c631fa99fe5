"""imbench's own resamplers, each against its definition on a few points."""

import numpy as np
import pytest
from imblearn.over_sampling import SMOTE
from sklearn.base import clone
from sklearn.datasets import make_classification

from imbench.strategies.resample.base import TooFewRows, apportion
from imbench.strategies.resample.polynom_fit_smote import PolynomFitSMOTE
from imbench.strategies.resample.prowsyn import ProWSyn, proximity_levels
from imbench.strategies.resample.random_under import RandomUnderRatio
from imbench.strategies.resample.smote_ipf import SMOTEIPF, partition

OVER = (PolynomFitSMOTE(), ProWSyn(), SMOTEIPF(min_share=1.0, patience=1, consensus=True))
ALL = (*OVER, SMOTEIPF(), RandomUnderRatio(2.0))


def make_rows(sizes=(90, 30, 12), seed=0, n_features=3):
    rng = np.random.default_rng(seed)
    y = rng.permutation(np.repeat(np.arange(len(sizes)), sizes))
    return rng.normal(size=(len(y), n_features)) + 2 * y[:, None], y


def noisy_rows(n=600, flip_y=0.2):
    return make_classification(
        n, 6, n_informative=4, weights=[0.8], flip_y=flip_y, class_sep=1.5, random_state=0
    )


def share_of_segment(point, start, end):
    """Where a point lies between two others: (t, distance from the line)."""
    line = end - start
    t = (point - start) @ line / (line @ line)
    return t, np.linalg.norm(point - start - t * line)


@pytest.mark.parametrize("sampler", ALL, ids=lambda s: type(s).__name__)
class TestEverySampler:
    def test_the_same_seed_gives_the_same_rows_and_another_seed_others(self, sampler):
        X, y = make_rows()
        first, again, other = (
            clone(sampler).set_params(random_state=seed).fit_resample(X, y) for seed in (0, 0, 1)
        )
        for one, two in zip(first, again, strict=True):
            np.testing.assert_array_equal(one, two)
        assert first[0].shape != other[0].shape or not np.array_equal(first[0], other[0])

    def test_inputs_are_not_changed(self, sampler):
        X, y = make_rows()
        kept = X.copy(), y.copy()
        clone(sampler).set_params(random_state=0).fit_resample(X, y)
        np.testing.assert_array_equal(X, kept[0])
        np.testing.assert_array_equal(y, kept[1])

    def test_float32_rows_stay_float32(self, sampler):
        X, y = make_rows()
        rows, _ = clone(sampler).set_params(random_state=0).fit_resample(X.astype(np.float32), y)
        assert rows.dtype == np.float32

    def test_labels_may_be_strings(self, sampler):
        X, y = make_rows()
        words = np.array(["a", "b", "c"])[y]
        _, numbers = clone(sampler).set_params(random_state=0).fit_resample(X, y)
        _, labels = clone(sampler).set_params(random_state=0).fit_resample(X, words)
        np.testing.assert_array_equal(labels, np.array(["a", "b", "c"])[numbers])


@pytest.mark.parametrize("sampler", [PolynomFitSMOTE(), ProWSyn()], ids=lambda s: type(s).__name__)
class TestEveryOverSampler:
    def test_every_class_becomes_exactly_as_large_as_the_largest(self, sampler):
        X, y = make_rows((90, 31, 12))
        rows, labels = clone(sampler).set_params(random_state=0).fit_resample(X, y)
        assert np.bincount(labels).tolist() == [90, 90, 90]
        np.testing.assert_array_equal(rows[: len(X)], X)
        np.testing.assert_array_equal(labels[: len(y)], y)

    def test_sampling_strategy_sets_the_number_of_rows(self, sampler):
        X, y = make_rows((90, 30))
        half = clone(sampler).set_params(sampling_strategy=0.5, random_state=0)
        assert np.bincount(half.fit_resample(X, y)[1]).tolist() == [90, 45]
        named = clone(sampler).set_params(sampling_strategy={1: 33}, random_state=0)
        assert np.bincount(named.fit_resample(X, y)[1]).tolist() == [90, 33]

    def test_a_class_of_one_row_is_refused_with_its_numbers(self, sampler):
        X, y = make_rows((90, 30, 1))
        words = rf"^needs {sampler.rows_needed()} rows of a class, but class 2 has 1\.$"
        with pytest.raises(TooFewRows, match=words):
            clone(sampler).fit_resample(X, y)

    def test_a_class_of_one_row_is_accepted_if_it_does_not_grow(self, sampler):
        X, y = make_rows((90, 30, 1))
        only = clone(sampler).set_params(sampling_strategy={1: 90})
        assert np.bincount(only.fit_resample(X, y)[1]).tolist() == [90, 90, 1]

    def test_equal_rows_give_equal_new_rows(self, sampler):
        X, y = make_rows((40, 6))
        X[y == 1] = 7.0
        rows, _ = clone(sampler).fit_resample(X, y)
        assert (rows[len(X) :] == 7.0).all()


@pytest.mark.parametrize("total", [0, 3, 10, 1000])
def test_apportioned_integers_are_less_than_one_from_their_shares(total):
    weights = np.random.default_rng(0).exponential(size=7)
    counts = apportion(weights, total, np.random.RandomState(0))
    assert counts.sum() == total
    assert (np.abs(counts - total * weights / weights.sum()) < 1).all()


class TestPolynomFitSMOTE:
    def test_new_rows_are_the_evenly_spaced_points_of_the_star(self):
        X, y = np.zeros((13, 2)), np.repeat([0, 1], [10, 3])
        X[y == 1] = [[0, 0], [4, 0], [2, 6]]
        # Seven rows on three lines to the mean (2, 2): two lines get two, one gets three.
        rows, _ = PolynomFitSMOTE(random_state=0).fit_resample(X, y)
        made = {tuple(np.round(row, 9)) for row in rows[13:]}
        assert len(made) == 7
        ends = X[y == 1]
        expected = [
            {tuple(np.round(end + i / (k + 1) * (2 - end), 9)) for i in range(1, k + 1)}
            for k in (2, 3)
            for end in ends
        ]
        two, three = expected[:3], expected[3:]
        assert any(
            made == set().union(*(three[j] if j == extra else two[j] for j in range(3)))
            for extra in range(3)
        )

    def test_an_integer_multiple_needs_no_random_numbers(self):
        X, y = make_rows((40, 10))
        first, other = (PolynomFitSMOTE(random_state=s).fit_resample(X, y)[0] for s in (0, 1))
        np.testing.assert_array_equal(first, other)

    def test_the_mean_of_symmetric_rows_does_not_move(self):
        X, y = np.zeros((24, 2)), np.repeat([0, 1], [20, 4])
        X[y == 1] = [[1, 0], [-1, 0], [0, 3], [0, -3]]
        rows, labels = PolynomFitSMOTE().fit_resample(X, y)
        np.testing.assert_allclose(rows[labels == 1].mean(0), 0, atol=1e-12)


class TestProWSyn:
    line = np.arange(6.0)[:, None]  # the other class stands at -1

    def test_levels_start_at_the_rows_next_to_other_classes(self):
        levels = proximity_levels(self.line, np.array([[-1.0]]), n_neighbors=2, n_levels=3)
        assert levels.tolist() == [1, 1, 2, 2, 3, 3]

    def test_the_last_level_holds_all_remaining_rows(self):
        levels = proximity_levels(self.line, np.array([[-1.0]]), n_neighbors=1, n_levels=3)
        assert levels.tolist() == [1, 2, 3, 3, 3, 3]
        one = proximity_levels(self.line, np.array([[-1.0]]), n_neighbors=1, n_levels=1)
        assert one.tolist() == [1] * 6

    def test_there_may_be_fewer_rows_than_levels(self):
        levels = proximity_levels(self.line, np.array([[-1.0]]), n_neighbors=4, n_levels=9)
        assert levels.tolist() == [1, 1, 1, 1, 2, 2]

    def test_every_row_of_another_class_assigns_rows_to_the_first_level(self):
        others = np.array([[-1.0], [9.0]])
        levels = proximity_levels(self.line, others, n_neighbors=1, n_levels=3)
        assert levels.tolist() == [1, 2, 3, 3, 2, 1]

    @pytest.mark.parametrize("theta", [0.0, 0.7, 2.0])
    def test_new_rows_a_level_follow_the_weights(self, theta):
        # Two rows a level, levels far apart: a new row shows its level.
        minority = np.array([0.0, 1, 100, 101, 200, 201])[:, None]
        X = np.concatenate([np.full((600, 1), -1.0), minority])
        y = np.repeat([0, 1], [600, 6])
        rows, _ = ProWSyn(n_neighbors=2, n_levels=3, theta=theta, random_state=0).fit_resample(X, y)
        found = np.bincount((rows[606:, 0] // 100).astype(int), minlength=3)
        weights = np.exp(-theta * np.arange(3))
        np.testing.assert_allclose(found, 594 * weights / weights.sum(), atol=2)

    def test_new_rows_lie_between_two_rows_of_the_same_level(self):
        minority = np.array([[0.0, 0], [1, 3], [100, 0], [101, 2], [200, 1], [205, 0]])
        X = np.concatenate([np.full((100, 2), -1.0), minority])
        y = np.repeat([0, 1], [100, 6])
        rows, _ = ProWSyn(n_neighbors=2, n_levels=3, random_state=0).fit_resample(X, y)
        for row in rows[106:]:
            pair = 2 * int(row[0] // 100)
            t, distance = share_of_segment(row, minority[pair], minority[pair + 1])
            assert 0 <= t <= 1
            assert distance < 1e-9

    def test_a_row_alone_in_its_level_uses_the_whole_class(self):
        X = np.concatenate([np.full((50, 1), -1.0), self.line])
        y = np.repeat([0, 1], [50, 6])
        rows, _ = ProWSyn(n_neighbors=1, n_levels=3, random_state=0).fit_resample(X, y)
        made = rows[56:, 0]
        assert (made >= 0).all()
        assert (made <= 5).all()
        assert len(np.unique(made)) == 44

    @pytest.mark.parametrize(
        ("value", "sentence"),
        [
            ({"n_neighbors": 0}, r"^n_neighbors must be an integer of at least 1, got 0\.$"),
            ({"n_levels": 1.5}, r"^n_levels must be an integer of at least 1, got 1\.5\.$"),
            ({"theta": -1.0}, r"^theta must be a number of at least 0, got -1\.0\.$"),
            ({"theta": float("nan")}, r"^theta must be .* got nan\.$"),
        ],
        ids=str,
    )
    def test_a_value_out_of_range_is_refused(self, value, sentence):
        with pytest.raises(ValueError, match=sentence):
            ProWSyn(**value).check_params()


class TestSMOTEIPF:
    def test_parts_are_equally_large_and_hold_the_classes_in_the_same_ratio(self):
        _, y = make_rows((90, 31, 12))
        table = np.zeros((9, 3), int)
        np.add.at(table, (partition(y, 9, np.random.RandomState(0)), y), 1)
        assert (np.ptp(table, axis=0) <= 1).all()
        assert np.ptp(table.sum(1)) <= 1

    def test_remaining_rows_are_rows_of_smote(self):
        X, y = noisy_rows()
        sampler = SMOTEIPF(random_state=0)
        rows, labels = sampler.fit_resample(X, y)
        made, made_labels = SMOTE(random_state=np.random.RandomState(0)).fit_resample(X, y)
        everything = {(*row, label) for row, label in zip(made, made_labels, strict=True)}
        assert {(*row, label) for row, label in zip(rows, labels, strict=True)} <= everything
        assert len(made) - len(rows) == sum(sampler.n_removed_) > 0

    def test_rows_with_a_wrong_label_are_removed_far_more_often_than_others(self):
        X, y = noisy_rows(2000, flip_y=0)
        wrong = np.random.default_rng(0).random(len(y)) < 0.08
        rows, labels = SMOTEIPF(random_state=0).fit_resample(X, np.where(wrong, 1 - y, y))
        left = {(*row, label) for row, label in zip(rows, labels, strict=True)}
        kept = np.array(
            [(*row, label) in left for row, label in zip(X, np.where(wrong, 1 - y, y), strict=True)]
        )
        assert kept[~wrong].mean() > 0.85
        assert kept[wrong].mean() < 0.3

    def test_a_consensus_removes_fewer_rows_than_a_majority_but_some(self):
        X, y = noisy_rows()
        left = {
            consensus: len(SMOTEIPF(consensus=consensus, random_state=0).fit_resample(X, y)[0])
            for consensus in (False, True)
        }
        n_smote = len(SMOTE(random_state=0).fit_resample(X, y)[0])
        assert left[False] < left[True] < n_smote

    @pytest.mark.parametrize("patience", [1, 3])
    def test_it_stops_after_patience_iterations_below_min_share(self, patience):
        X, y = noisy_rows()
        sampler = SMOTEIPF(min_share=0.01, patience=patience, random_state=0)
        sampler.fit_resample(X, y)
        few = 0.01 * 2 * np.bincount(y).max()
        quiet = [n < few for n in sampler.n_removed_]
        assert all(quiet[-patience:])
        assert not any(all(quiet[i : i + patience]) for i in range(len(quiet) - patience))

    def test_with_a_min_share_of_zero_it_stops_when_no_row_is_removed(self):
        X, y = noisy_rows(300)
        sampler = SMOTEIPF(min_share=0.0, patience=1, random_state=0)
        sampler.fit_resample(X, y)
        assert sampler.n_removed_[-1] == 0
        assert 0 not in sampler.n_removed_[:-1]

    def test_more_partitions_than_rows_is_a_sentence(self):
        X, y = make_rows((12, 8))
        with pytest.raises(ValueError, match=r"^n_partitions=99 needs as many rows, .* set it low"):
            SMOTEIPF(n_partitions=99).fit_resample(X, y)

    @pytest.mark.parametrize(
        ("value", "sentence"),
        [
            ({"k_neighbors": 0}, r"^k_neighbors must be an integer of at least 1, got 0\.$"),
            ({"n_partitions": 1}, r"^n_partitions must be an integer of at least 2, got 1\.$"),
            ({"patience": 0}, r"^patience must be an integer of at least 1, got 0\.$"),
            ({"min_share": 1.5}, r"^min_share must be in \[0, 1\], got 1\.5\.$"),
        ],
        ids=str,
    )
    def test_a_value_out_of_range_is_refused(self, value, sentence):
        with pytest.raises(ValueError, match=sentence):
            SMOTEIPF(**value).check_params()


class TestRandomUnderRatio:
    @pytest.mark.parametrize(
        ("ratio", "expected"),
        [
            (1.0, [12, 12, 12]),
            (3.0, [36, 30, 12]),
            (1.5, [18, 18, 12]),
            (1.3, [15, 15, 12]),
            (100, [90, 30, 12]),
        ],
    )
    def test_no_class_has_more_than_ratio_times_the_rarest(self, ratio, expected):
        X, y = make_rows()
        rows, labels = RandomUnderRatio(ratio, random_state=0).fit_resample(X, y)
        assert np.bincount(labels).tolist() == expected
        assert len(np.unique(rows, axis=0)) == len(rows)

    def test_a_ratio_just_below_an_integer_is_not_rounded_down(self):
        y = np.repeat([0, 1], [300, 100])  # 1.15 * 100 == 114.99999999999999
        _, labels = RandomUnderRatio(1.15).fit_resample(np.zeros((400, 1)), y)
        assert np.bincount(labels).tolist() == [115, 100]

    def test_remaining_rows_are_training_rows(self):
        X, y = make_rows()
        sampler = RandomUnderRatio(2.0, random_state=0)
        rows, labels = sampler.fit_resample(X, y)
        np.testing.assert_array_equal(rows, X[sampler.sample_indices_])
        np.testing.assert_array_equal(labels, y[sampler.sample_indices_])

    def test_with_replacement_only_rows_of_reduced_classes_repeat(self):
        X, y = make_rows((60, 20, 19))
        sampler = RandomUnderRatio(20 / 19, replacement=True, random_state=0)
        rows, labels = sampler.fit_resample(X, y)
        distinct = [len(np.unique(rows[labels == k], axis=0)) for k in range(3)]
        assert np.bincount(labels).tolist() == [20, 20, 19]
        assert distinct[0] < 20
        assert distinct[1:] == [20, 19]

    def test_missing_values_pass_through(self):
        X, y = make_rows()
        X[:, 0] = np.nan
        rows, _ = RandomUnderRatio().fit_resample(X, y)
        assert np.isnan(rows[:, 0]).all()

    @pytest.mark.parametrize("ratio", [0.99, -1, float("nan"), float("inf")])
    def test_a_ratio_below_one_or_infinite_is_refused(self, ratio):
        with pytest.raises(ValueError, match=r"^ratio must be a number of at least 1, got .*\.$"):
            RandomUnderRatio(ratio).check_params()
