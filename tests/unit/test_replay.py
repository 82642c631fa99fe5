"""Decision rules on stored scores: the same answers as with a fit of their own, and no fit."""

import dataclasses

import numpy as np
import pytest

from imbench.results.scores import Record
from imbench.run import folds as folds_module
from imbench.run.cell import Runner
from imbench.strategies.base import Strategy
from imbench.strategies.facts import ModelFacts
from tests.cells import cells_of

pytestmark = pytest.mark.slow

RULES = (
    "threshold",
    "class_thresholds",
    "prior_correction",
    "logit_adjustment",
    "temperature",
    "isotonic",
    "platt",
    "cost_sensitive",
)


# Fewer rows of the larger class, but not as few as of the smaller: every rule has work to do.
UNDER = ("strategy=random_under", "strategy.resample.random_under.ratio=2.0")


def cells(*words):
    fixed = ["dataset=synthetic", "dataset.n_rows=150", "device=cpu", "splits.n_splits=2"]
    return cells_of(*fixed, *words)


def count_fits(monkeypatch, model):
    """Return a list that grows by one with each fit of a model."""
    fits = []
    plain = type(model).fit

    def fit(self, *args, **kwargs):
        fits.append(1)
        return plain(self, *args, **kwargs)

    monkeypatch.setattr(type(model), "fit", fit)
    return fits


@pytest.mark.parametrize("model", ["logistic_regression", "mlp"])
@pytest.mark.parametrize("rule", RULES)
def test_a_rule_on_stored_scores_is_the_rule_around_its_own_classifier(
    rule, model, tmp_path, monkeypatch
):
    words = [*UNDER, f"decision={rule}", f"model={model}"]
    words += ["model.estimator.epochs=2"] if model == "mlp" else []
    (cell,) = cells(*words)
    replayed = Runner(tmp_path / "a").run(cell)
    assert replayed.status == "ok", replayed.reason
    assert replayed.label == f"random_under+{rule}"
    monkeypatch.setattr(folds_module, "rule_on_scores", lambda *args: None)
    fitted = Runner(tmp_path / "b").run(cell)
    for one, other in zip(replayed.folds, fitted.folds, strict=True):
        np.testing.assert_allclose(one.y_score, other.y_score, rtol=1e-4, atol=1e-6)
        np.testing.assert_array_equal(one.y_pred, other.y_pred)
        for name in ("n_fits", "counts_after", "notes", "n_train", "run_id"):
            assert getattr(one, name) == getattr(other, name), name
    assert dataclasses.asdict(replayed)["config"] == dataclasses.asdict(fitted)["config"]


def test_the_second_rule_fits_nothing_and_the_first_only_inner_folds(tmp_path, monkeypatch):
    from sklearn.linear_model import LogisticRegression

    rules = f"decision=as_is,{','.join(RULES)}"
    fits = count_fits(monkeypatch, LogisticRegression())
    found = {}
    for cell in cells(*UNDER, rules, "model=logistic_regression"):
        before = len(fits)
        result = Runner(tmp_path).run(cell)
        assert result.status == "ok", result.reason
        own = len(fits) - before
        found[result.label.removeprefix("random_under").removeprefix("+")] = own, result
    n_own = {name: n for name, (n, _) in found.items()}
    inner = 5 * 2
    assert n_own == dict.fromkeys(RULES, 0) | {"": 2, "threshold": inner}
    folds = found["temperature"][1].folds
    assert [f.n_replayed for f in folds] == [6, 6]
    assert [f.n_fits for f in folds] == [6, 6]
    assert [f.audit["replayed_fits"] for f in folds] == [6, 6]
    seen = [f.audit for _, result in found.values() for f in result.folds]
    assert [audit["unseen_fits"] for audit in seen] == [0] * len(seen)
    assert {fit["from_test"] for audit in seen for fit in audit["fits"]} == {0}
    alone = found[""][1].folds
    assert all(f.fit_s > a.fit_s for f, a in zip(folds, alone, strict=True))


def test_a_net_without_a_rule_serves_a_rule(tmp_path):
    words = ["dataset.n_classes=3", "decision=as_is,threshold", "model.estimator.epochs=1"]
    bare, ruled = (Runner(tmp_path).run(c) for c in cells(*words))
    assert [f.n_replayed for f in ruled.folds] == [1, 1]
    for one, other in zip(bare.folds, ruled.folds, strict=True):
        np.testing.assert_array_equal(one.y_score, other.y_score)
        np.testing.assert_array_equal(one.history, other.history)
        assert (one.counts_after, one.device) == (other.counts_after, other.device)


def test_scores_of_versions_without_class_weights_are_made_again_where_they_matter(
    tmp_path, monkeypatch
):
    words = ["model=logistic_regression", "strategy=inverse_weights"]
    to_plain = ModelFacts.to_plain

    def older(self, with_history):
        stored = to_plain(self, with_history)
        del stored["model"]["class_weights_"]
        return stored

    (plain,) = cells(*words)
    (ruled,) = cells(*words, "decision=prior_correction")
    with monkeypatch.context() as patch:
        patch.setattr(ModelFacts, "to_plain", older)
        Runner(tmp_path / "older").run(plain)
    Runner(tmp_path / "now").run(plain)
    found = {name: Runner(tmp_path / name).run(ruled).folds for name in ("older", "now")}
    assert [f.n_replayed for f in found["older"]] == [0, 0]
    assert [f.n_replayed for f in found["now"]] == [1, 1]
    for one, other in zip(*found.values(), strict=True):
        assert one.status == "ok", one.reason
        np.testing.assert_allclose(one.y_score, other.y_score)


def test_rules_share_scores_without_the_cell_that_has_none(tmp_path, monkeypatch):
    from sklearn.linear_model import LogisticRegression

    fits = count_fits(monkeypatch, LogisticRegression())
    for cell in cells("decision=threshold,temperature", "model=logistic_regression"):
        Runner(tmp_path).run(cell)
    assert len(fits) == 6 * 2


def test_rules_that_look_into_the_net_are_fitted_as_ever(tmp_path):
    (cell,) = cells("strategy=crt", "model.estimator.epochs=1")
    result = Runner(tmp_path).run(cell)
    assert [f.n_replayed for f in result.folds] == [0, 0]
    assert not list(tmp_path.rglob("*.scores.npz"))


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 nonsense", bytes(range(50))])
def test_a_damaged_record_is_forgotten(content):
    assert Record.from_bytes(content).answers == {}


def test_a_record_that_was_cut_or_changed_is_forgotten(tmp_path):
    (cell,) = cells("decision=threshold", "model=logistic_regression")
    Runner(tmp_path).run(cell)
    path = next(tmp_path.rglob("*.scores.npz"))
    whole = path.read_bytes()
    assert len(Record.from_bytes(whole).answers) == 6
    assert Record.from_bytes(whole[:-30]).answers == {}
    middle = len(whole) // 2
    changed = whole[:middle] + bytes([whole[middle] ^ 1]) + whole[middle + 1 :]
    answers = Record.from_bytes(changed).answers
    assert answers == {} or len(answers) == 6, "zip headers have bytes that mean nothing"


def test_a_strategy_without_a_stage_keeps_the_others():
    strategy = Strategy(resample={"a": 1}, decision={"b": len})
    bare = strategy.without("decision")
    assert (bare.resample, bare.decision, bare.label) == ({"a": 1}, {}, "a")
