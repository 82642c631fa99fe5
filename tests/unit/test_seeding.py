"""Seeds: the same everywhere, and different where the axes differ."""

import os
import subprocess
import sys

import pytest
from imblearn.pipeline import Pipeline
from sklearn.ensemble import BaggingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.tree import DecisionTreeClassifier

from imbench.components.seeding import derive, seed_estimator
from imbench.data.dataset import DatasetInfo
from imbench.pipeline.build import build
from imbench.testing.cells import parts

INFO = DatasetInfo("table", 4, ("no", "yes"), 1)


def test_a_known_seed_never_changes():
    # The first four bytes of SHA-256("0\x1ffit\x1fdigits\x1f1\x1f2"), halved; computed with
    # coreutils' sha256sum. Stored results depend on it.
    assert derive(0, "fit", "digits", 1, 2) == 0x6FBDC837 >> 1


@pytest.mark.process
def test_a_seed_does_not_depend_on_the_process():
    # PYTHONHASHSEED changes Python's own hash of a text from process to process.
    code = "from imbench.components.seeding import derive; print(derive(7, 'split', 'mnist', 3))"
    found = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONHASHSEED": "1234"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert int(found.stdout) == derive(7, "split", "mnist", 3)


def test_seeds_differ_on_every_axis_and_in_the_order_of_the_axes():
    seeds = {
        derive(seed, kind, name, repeat, fold)
        for seed in range(3)
        for kind in ("fit", "split")
        for name in ("digits", "mnist")
        for repeat in range(5)
        for fold in range(5)
    }
    assert len(seeds) == 3 * 2 * 2 * 5 * 5


def test_neighbouring_axes_are_not_glued_together():
    assert derive(0, "a", "b") != derive(0, "ab")
    assert derive(0, 1, 23) != derive(0, 12, 3)
    assert derive(1, 0) != derive(10)


def test_seeds_fit_every_generator():
    seeds = [derive(0, i) for i in range(1000)]
    assert min(seeds) >= 0
    assert max(seeds) < 2**31
    assert abs(sum(s < 2**30 for s in seeds) - 500) < 4 * 16


def test_every_random_state_inside_an_estimator_is_set_and_nothing_else():
    inner = Pipeline([("tree", DecisionTreeClassifier(max_depth=3)), ("lr", LogisticRegression())])
    found = seed_estimator(BaggingClassifier(inner, n_estimators=7), 5)
    assert found.random_state == 5
    assert found.estimator["tree"].random_state == 5
    assert found.estimator["lr"].random_state == 5
    assert (found.n_estimators, found.estimator["tree"].max_depth) == (7, 3)


@pytest.mark.parametrize("strategy", ["focal", "smote", "[smote,threshold]", "balanced_bagging"])
def test_the_net_starts_from_the_same_seed_whatever_stands_around_it(strategy):
    def seed_of_the_net(selection):
        params = build(*parts("mlp", selection), INFO, seed=9).get_params(deep=True)
        return next(v for n, v in params.items() if n.endswith("model__random_state"))

    assert seed_of_the_net(strategy) == seed_of_the_net("none") == 9
