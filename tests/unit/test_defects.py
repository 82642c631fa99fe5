import numpy as np
import pytest

from imbench.data.defects import load_defects


def test_few_parts_to_compare_on_and_many_to_know_the_truth():
    data = load_defects()
    assert (len(data.pool_index), len(data.test_index)) == (4000, 100_000)
    assert data.counts.tolist() == [3846, 154]
    shares = [data.y[data.pool_index].mean(), data.y[data.test_index].mean()]
    np.testing.assert_allclose(shares, 0.04, atol=0.003)


def test_both_are_of_one_population():
    data = load_defects(n_rows=20_000, n_test=20_000)
    parts = [data.X[index][data.y[index] == 1] for index in (data.pool_index, data.test_index)]
    means = [part.mean(axis=0) for part in parts]
    error = parts[0].std(axis=0) / np.sqrt(min(map(len, parts)))
    assert (np.abs(means[0] - means[1]) < 6 * error).all()


@pytest.mark.parametrize("seed", [1, 2])
def test_the_same_seed_gives_the_same_rows(seed):
    same = load_defects(n_test=10, seed=seed), load_defects(n_test=10, seed=seed)
    assert same[0].fingerprint == same[1].fingerprint
    assert same[0].fingerprint != load_defects(n_test=10, seed=3).fingerprint
