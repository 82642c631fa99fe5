"""Tuning: nested, paired, the same budget for all, complete to N, the same trials again."""

import json
import signal
import subprocess
import sys
from dataclasses import fields
from typing import ClassVar

import numpy as np
import optuna
import pytest
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
from sklearn.base import BaseEstimator, ClassifierMixin

from imbench.config.compose import Composer
from imbench.config.identity import identity_of
from imbench.errors import ConfigError
from imbench.report.tables import build_leaderboard
from imbench.results.fold import FoldResult
from imbench.run.cell import Runner
from imbench.run.tasks import task_of
from imbench.run.tuning.optuna import OptunaTuner, Search, open_storage
from imbench.testing.data import binary_five_percent, one_fold, with_other_test_rows
from tests.cells import cell_from
from tests.conftest import ROOT

pytestmark = pytest.mark.slow

TABLE = ("dataset=synthetic", "dataset.n_rows=90", "tracking=none")
TUNED = ("tuning=optuna", "tuning.trials=6", "tuning.parallel_trials=3", "tuning.inner_splits=2")
NET = ("model=mlp", "model.estimator.epochs=2", "model.estimator.backbone.hidden=[8]", "device=cpu")
TREE = ("model=decision_tree",)


def compose(*words):
    folds = [] if "splits=holdout" in words else ["splits.n_splits=2"]
    return Composer(None).cells([*TABLE, *folds, *words], multirun=False)[0]


def cell_of(*words):
    return cell_from(compose(*words))


def run(folder, *words):
    cell = Runner(folder).run(cell_of(*TUNED, *words))
    assert cell.status == "ok", cell.reason
    return cell


def studies(folder):
    """Return the stored trials of each study of a results folder, by name."""
    found = {}
    for path in sorted((folder / "tuning").glob("*.log")):
        storage = JournalStorage(JournalFileBackend(str(path)))
        for name in optuna.get_all_study_names(storage):
            found[name] = optuna.load_study(study_name=name, storage=storage).trials
    return found


def tried(cell):
    return [
        [{k: v for k, v in trial.items() if k != "seconds"} for trial in fold.trials]
        for fold in cell.folds
    ]


def same(first, second):
    assert tried(first) == tried(second)
    for one, other in zip(first.folds, second.folds, strict=True):
        assert one.tuned == other.tuned
        np.testing.assert_array_equal(one.y_score, other.y_score)


class Spy(ClassifierMixin, BaseEstimator):
    """Predicts by chance and remembers the rows that it meets; the first column numbers them."""

    met: ClassVar[list] = []

    def __init__(self, power=1.0):
        self.power = power

    def fit(self, X, y):
        self.classes_, counts = np.unique(y, return_counts=True)
        self.shares_ = counts**self.power / (counts**self.power).sum()
        self.met.append(("fit", X[:, 0].astype(int)))
        return self

    def predict_proba(self, X):
        self.met.append(("score", X[:, 0].astype(int)))
        return np.tile(self.shares_, (len(X), 1))

    def predict(self, X):
        return self.classes_[self.predict_proba(X).argmax(1)]


def test_without_tuning_a_cell_is_what_it_was():
    cell = cell_of("strategy=smote", *TREE)
    assert cell.tuning is None
    kept = cell.identity
    assert kept.keys() == {"seed", "splits", "dataset", "model", "strategy"}
    assert "search" not in kept["model"].keys() | kept["strategy"].keys()


def test_the_identity_holds_what_is_tried_and_not_where_it_is_stored():
    plain = identity_of(compose(*TUNED, "strategy=smote", *TREE))
    assert plain["tuning"]["metric"] == "f1_macro"
    assert plain["search"]["model"].keys() == {"estimator.min_samples_leaf"}
    same = identity_of(compose(*TUNED, "strategy=smote", *TREE, "tuning.storage=sqlite:///a.db"))
    assert plain == same
    for word in ("tuning.trials=7", "metrics.sort=mcc", "tuning.metric=mcc", "model.search=null"):
        assert identity_of(compose(*TUNED, "strategy=smote", *TREE, word)) != plain, word


def test_a_fold_says_what_was_tried_and_what_was_chosen(tmp_path):
    cell = run(tmp_path, "strategy=smote", *TREE)
    for fold in cell.folds:
        assert [trial["number"] for trial in fold.trials] == [*range(6)]
        assert fold.n_trials == 6
        assert fold.n_tuning_fits == sum(len(trial["inner"]) for trial in fold.trials) <= 12
        assert fold.tune_s > 0
        complete = [t for t in fold.trials if t["state"] == "complete"]
        best = max(complete, key=lambda t: t["value"])
        assert fold.tuned == best["values"]
        assert fold.tuned.keys() == {
            "strategy.resample.smote.k_neighbors",
            "model.estimator.min_samples_leaf",
        }
        for trial in complete:
            assert trial["value"] == pytest.approx(np.mean(trial["inner"]))
        first = fold.trials[0]["values"]
        assert first == {
            "strategy.resample.smote.k_neighbors": 5,
            "model.estimator.min_samples_leaf": 1,
        }, "the first trial is the one that the yaml files ask for"
    again = Runner(tmp_path).run(cell_of(*TUNED, "strategy=smote", *TREE))
    stored = json.loads(json.dumps([vars(f)["trials"] for f in cell.folds]))
    assert [list(f.trials) for f in again.folds] == stored


def test_the_chosen_values_are_those_of_the_fitted_model(tmp_path, monkeypatch):
    import imbench.run.folds as folds

    fitted = []
    plain = folds.fold_fitting

    def fold_fitting(data, model, strategy, fold, seed, context):
        fitted.append((model.estimator.min_samples_leaf, strategy.resample["smote"].k_neighbors))
        return plain(data, model, strategy, fold, seed, context)

    monkeypatch.setattr(folds, "fold_fitting", fold_fitting)
    cell = run(tmp_path, "strategy=smote", *TREE)
    assert fitted == [
        (
            fold.tuned["model.estimator.min_samples_leaf"],
            fold.tuned["strategy.resample.smote.k_neighbors"],
        )
        for fold in cell.folds
    ]


@pytest.mark.parametrize("model", [NET, TREE], ids=["net", "tree"])
@pytest.mark.parametrize("sampler", ["tpe", "random"])
def test_the_same_command_ends_in_the_same_trials_and_bits(tmp_path, model, sampler):
    words = ("strategy=smote", *model, f"tuning.sampler={sampler}")
    first = run(tmp_path / "a", *words)
    same(first, run(tmp_path / "b", *words))
    other = run(tmp_path / "c", *words, "seed=1")
    assert tried(first) != tried(other)


def test_strategies_meet_the_same_inner_folds_and_the_same_budget(tmp_path, monkeypatch):
    from imbench.run.tuning.inner_folds import Nested

    met = {}
    plain = Nested.score

    def score(self, values, i):
        splits = [(train.tolist(), test.tolist()) for train, test in self.splits]
        met.setdefault(self.cell.label, []).append((self.seed, splits))
        return plain(self, values, i)

    monkeypatch.setattr(Nested, "score", score)
    words = ("tuning.pruning=false", *TREE)
    cells = [run(tmp_path, f"strategy={name}", *words) for name in ("none", "smote")]
    assert met["none"] == met["smote"]
    assert {fold.n_trials for cell in cells for fold in cell.folds} == {6}
    assert {fold.n_tuning_fits for cell in cells for fold in cell.folds} == {12}
    options = cell_of(*TUNED).tuning.metrics
    (block,) = build_leaderboard(cells, options).blocks
    assert len(block.rows) == 2
    assert block.caption.endswith(
        "Tuned: 6 trials of 2 inner folds for every strategy (tpe, f1_macro), "
        "12 fits a fold at most."
    )


def test_trials_of_all_folds_train_as_one_stack(tmp_path, stack_sizes):
    sizes = stack_sizes
    run(tmp_path / "a", "strategy=focal", *NET, "tuning.pruning=false")
    # two batches of 3 trials x 2 inner folds x 2 outer folds, and the fits of the outer folds
    assert sizes == [12, 12, 2]
    sizes.clear()
    run(tmp_path / "b", "strategy=focal", *NET)
    assert sizes[:2] == [6, 6], "an inner fold after the other, to give trials up between them"
    sizes.clear()
    run(tmp_path / "c", "strategy=focal", *NET, "splits=holdout", "tuning.pruning=false")
    assert sizes == [6, 6, 1]


def test_hopeless_trials_are_given_up_and_count(tmp_path):
    words = ("strategy=none", "model=logistic_regression", "tuning.trials=12")
    words += ("tuning.sampler=random", "dataset.label_noise=0.2")
    cell = run(tmp_path, *words)
    pruned = [t for fold in cell.folds for t in fold.trials if t["state"] == "pruned"]
    assert pruned
    assert sum(fold.n_pruned for fold in cell.folds) == len(pruned)
    for trial in pruned:
        assert len(trial["inner"]) == 1
        assert trial["value"] is None
        assert trial["number"] >= 5, "five trials are complete before a median is trusted"
    assert {fold.n_trials for fold in cell.folds} == {12}
    assert all(fold.n_tuning_fits < 24 for fold in cell.folds)
    unpruned = run(tmp_path, *words, "tuning.pruning=false")
    assert {fold.n_tuning_fits for fold in unpruned.folds} == {24}


@pytest.mark.parametrize("metric", ["f1_macro", "log_loss"])
def test_the_best_value_follows_the_direction_of_the_metric(tmp_path, metric):
    cell = run(tmp_path, "strategy=none", *TREE, f"tuning.metric={metric}")
    for fold in cell.folds:
        values = {t["value"]: t["values"] for t in fold.trials[::-1] if t["state"] == "complete"}
        assert len(values) > 1
        assert fold.tuned == values[(max if metric == "f1_macro" else min)(values)]


KILLED = """
import os, signal, sys
import optuna
from optuna.storages import JournalStorage
from imbench.cli import main

plain, left = optuna.Study.add_trial, [int(sys.argv[1])]

def add_trial(self, trial):
    if isinstance(self._storage, JournalStorage):
        if not left[0]:
            os.kill(os.getpid(), signal.SIGKILL)
        left[0] -= 1
    plain(self, trial)

optuna.Study.add_trial = add_trial
main(sys.argv[2:])
"""


@pytest.mark.process
@pytest.mark.parametrize(
    ("model", "n_stored"),
    [(NET, 2), (NET, 7), (TREE, 4)],
    ids=["net in the first batch", "net in the second batch", "tree"],
)
def test_a_rerun_after_a_kill_adds_what_is_missing_and_ends_in_the_same_bits(
    tmp_path, model, n_stored
):
    words = (*TUNED, *TABLE, "splits.n_splits=2", "strategy=smote", *model)
    whole = run(tmp_path / "whole", "strategy=smote", *model)
    folder = tmp_path / "killed"
    done = subprocess.run(
        [sys.executable, "-c", KILLED, str(n_stored), *words, f"results_dir={folder}"],
        cwd=ROOT,
        check=False,
    )
    assert done.returncode == -signal.SIGKILL
    assert sum(map(len, studies(folder).values())) == n_stored
    same(whole, run(folder, "strategy=smote", *model))
    stored = studies(folder)
    assert len(stored) == 2
    for trials in stored.values():
        assert [t.user_attrs["imbench.number"] for t in trials] == [*range(6)]


def test_what_is_complete_is_not_fitted_again(tmp_path, monkeypatch):
    words = ("strategy=smote", *TREE)
    first = run(tmp_path, *words)
    for path in (tmp_path / "runs").rglob("r*-f*.json"):
        path.unlink()
    monkeypatch.setattr(Search, "_run", lambda *a: pytest.fail("a stored trial was fitted"))
    again = run(tmp_path, *words)
    same(first, again)
    assert [f.tune_s for f in again.folds] == [f.tune_s for f in first.folds]


def test_a_trial_that_never_ended_is_replaced(tmp_path):
    words = ("strategy=smote", *TREE)
    first = run(tmp_path / "a", *words)
    name = next(iter(studies(tmp_path / "a")))
    path = tmp_path / "b" / "tuning" / next((tmp_path / "a" / "tuning").glob("*.log")).name
    cell_of(*TUNED, *words).tuning.tuner.prepare(tmp_path / "b")
    study = optuna.create_study(
        storage=open_storage(str(path)), study_name=name, direction="maximize"
    )
    study.ask()
    same(first, run(tmp_path / "b", *words))
    states = [trial.state.name for trial in studies(tmp_path / "b")[name]]
    assert states[0] == "RUNNING"
    assert len(states) == 7


def test_a_journal_with_half_a_line_is_read_up_to_there(tmp_path):
    words = ("strategy=smote", *TREE)
    first = run(tmp_path, *words)
    (path,) = (tmp_path / "tuning").glob("*.log")
    path.write_bytes(path.read_bytes()[:-9])
    for stored in (tmp_path / "runs").rglob("r*-f*.json"):
        stored.unlink()
    same(first, run(tmp_path, *words))
    assert [len(trials) for trials in studies(tmp_path).values()] == [6, 6]


def test_no_row_of_the_outer_test_part_is_met(tmp_path, monkeypatch):
    from imbench.data.dataset import Dataset

    data = binary_five_percent()
    X = data.X.copy()
    X[:, 0] = np.arange(len(X))
    data = Dataset(data.name, X, data.y, data.class_names, data.feature_names)
    config = compose(*TUNED, *TREE, "strategy=none")
    spy = {"_target_": f"{__name__}.Spy", "power": 1.0}
    config["model"] |= {
        "preprocessing": {"scale": False, "impute": False, "one_hot": False},
        "estimator": spy,
        "search": {"estimator.power": {"low": 0.0, "high": 1.0}},
    }
    from imbench.run.folds import run_folds

    task = task_of(cell_from(config), data, tmp_path)
    for fold in task.folds:
        monkeypatch.setattr(Spy, "met", [])
        (result,) = run_folds(task, [fold])
        assert result.status == "ok", result.reason
        *tuning, last_fit, proba, label = Spy.met
        assert len(tuning) == 3 * result.n_tuning_fits, "a fit and two looks at its scores"
        train = set(fold.train_index)
        for _, rows in [*tuning, last_fit]:
            assert set(rows) <= train
        assert set(last_fit[1]) == train
        assert set(proba[1]) == set(label[1]) == set(fold.test_index)
        for fitted, *scored in zip(tuning[::3], tuning[1::3], tuning[2::3], strict=True):
            for _, rows in scored:
                assert not set(fitted[1]) & set(rows)
                assert set(fitted[1]) | set(rows) == train


@pytest.mark.parametrize("strategy", ["smote", "focal", "[random_over,threshold]"])
def test_other_rows_in_the_outer_test_part_change_neither_choice_nor_model(tmp_path, strategy):
    from imbench.run.folds import _fits
    from imbench.run.warning_log import warnings_by_fold

    data = binary_five_percent()
    fold = one_fold(data)
    scores, choices = [], []
    for i, found in enumerate((data, with_other_test_rows(data, fold))):
        folder = tmp_path / str(i)
        # The labels of the test part are others: what is rarest is asked of the training part.
        assert found.info.minority == data.info.minority
        cell = cell_of(*TUNED, *NET, f"strategy={strategy}")
        task = task_of(cell, found, folder)
        with warnings_by_fold() as log:
            (fit,) = _fits(task, [fold], log)
        assert fit.error is None
        choices.append(tried_of(fit))
        scores.append(fit.estimator.predict_proba(data.X[fold.train_index]))
    assert choices[0] == choices[1]
    np.testing.assert_array_equal(scores[0], scores[1])


def tried_of(fit):
    return [(t.values, t.state, t.value, t.inner) for t in fit.tuned.trials], fit.tuned.values


def test_nothing_to_search_is_said_and_no_trial_is_run(tmp_path):
    cell = run(tmp_path, "strategy=random_over", *TREE, "model.search=null")
    for fold in cell.folds:
        assert fold.n_trials == fold.n_tuning_fits == 0
        assert fold.tuned == {}
        assert any("neither strategy nor model names anything" in note for note in fold.notes)
    plain = Runner(tmp_path).run(cell_of("strategy=random_over", *TREE))
    for tuned, fold in zip(cell.folds, plain.folds, strict=True):
        np.testing.assert_array_equal(tuned.y_score, fold.y_score)


def test_what_is_incompatible_is_skipped_before_a_trial(tmp_path, monkeypatch):
    monkeypatch.setattr(Search, "fitting", lambda self: pytest.fail("a trial was run"))
    cell = Runner(tmp_path).run(cell_of(*TUNED, "strategy=focal", *TREE))
    assert cell.status == "skipped"
    assert "focal" in cell.reason


class Moody(ClassifierMixin, BaseEstimator):
    """Refuses powers above a limit, when it is fitted."""

    def __init__(self, power=1.0, limit=0.5):
        self.power = power
        self.limit = limit

    def fit(self, X, y):
        if self.power > self.limit:
            raise ValueError(f"power must not be above {self.limit}.")
        self.classes_ = np.unique(y)
        return self

    def predict_proba(self, X):
        return np.tile([1 - self.power, self.power], (len(X), 1))

    def predict(self, X):
        return self.classes_[self.predict_proba(X).argmax(1)]


def moody(folder, limit):
    config = compose(*TUNED, *TREE, "strategy=none")
    config["model"] |= {
        "estimator": {"_target_": f"{__name__}.Moody", "power": 1.0, "limit": limit},
        "search": {"estimator.power": {"low": 0.0, "high": 1.0}},
    }
    return Runner(folder).run(cell_from(config))


def test_a_trial_that_fails_is_told_and_counts(tmp_path):
    cell = moody(tmp_path, 0.5)
    assert cell.status == "ok", cell.reason
    for fold in cell.folds:
        assert fold.n_trials == 6
        failed = [t for t in fold.trials if t["state"] == "failed"]
        assert failed[0]["number"] == 0
        assert {t["reason"] for t in failed} == {"power must not be above 0.5."}
        assert fold.tuned["model.estimator.power"] <= 0.5
    again = moody(tmp_path, 0.5)
    assert tried(again) == tried(cell)


def test_where_every_trial_fails_the_cell_says_why(tmp_path):
    cell = moody(tmp_path, -1.0)
    assert cell.status == "failed"
    assert cell.reason == (
        "tuning: all 6 trials failed, the first with: power must not be above -1.0."
    )


def test_a_class_too_small_for_the_inner_folds_is_a_sentence(tmp_path):
    words = ("dataset.weights=[42,3]", "dataset.n_rows=45", "strategy=none", *TREE)
    cell = Runner(tmp_path).run(cell_of(*TUNED, "tuning.inner_splits=3", *words))
    assert cell.status == "failed"
    assert cell.reason.startswith("tuning.inner_splits=3 needs two rows of each class, but")
    assert cell.reason.endswith("has 1 in this training part: set tuning=none.")


def test_inner_folds_are_clipped_to_the_smallest_class_with_a_note(tmp_path):
    words = ("dataset.weights=[40,5]", "dataset.n_rows=45", "strategy=none", *TREE)
    cell = Runner(tmp_path).run(cell_of(*TUNED, "tuning.inner_splits=5", *words))
    assert cell.status == "ok", cell.reason
    counts = [fold.counts_before[1] for fold in cell.folds]
    assert min(counts) < 5
    for n, fold in zip(counts, cell.folds, strict=True):
        why = f"a class has {n} rows in this training part"
        assert f"tuning.inner_splits=5 was clipped to {n}: {why}." in fold.notes


def test_no_batch_begins_after_the_timeout(tmp_path):
    cell = run(tmp_path, "strategy=none", *TREE, "tuning.timeout=0.000001")
    assert {fold.n_trials for fold in cell.folds} == {3}, "the first batch is always run"


def test_a_grid_is_tried_whole_where_the_budget_allows(tmp_path):
    words = ("strategy=none", *TREE, "tuning.sampler=grid")
    words += ("+model.search={estimator.min_samples_leaf:{low:1,high:9,step:4,log:null}}",)
    cell = run(tmp_path, *words)
    for fold in cell.folds:
        values = [t["values"]["model.estimator.min_samples_leaf"] for t in fold.trials]
        assert values == [1, 5, 9]
    cell = run(tmp_path, *words, "tuning.trials=2")
    for fold in cell.folds:
        values = [t["values"]["model.estimator.min_samples_leaf"] for t in fold.trials]
        assert len({*values} & {1, 5, 9}) == 2


def test_studies_lie_in_any_storage_that_optuna_opens(tmp_path):
    address = f"sqlite:///{tmp_path / 'new' / 'tuning.db'}"
    cell = run(tmp_path, "strategy=smote", *TREE, f"tuning.storage={address}")
    names = optuna.get_all_study_names(address)
    assert [name.rpartition(" ")[2] for name in names] == ["r0-f0", "r0-f1"]
    study = optuna.load_study(study_name=names[0], storage=address)
    assert study.user_attrs["strategy"] == "smote"
    assert study.best_params == cell.folds[0].tuned
    path = tmp_path / "own.journal"
    same(cell, run(tmp_path / "b", "strategy=smote", *TREE, f"tuning.storage={path}"))
    assert path.exists()
    assert not (tmp_path / "b" / "tuning").exists()


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"trials": 0}, "trials must be an integer of at least 1, got 0."),
        ({"trials": True}, "trials must be an integer of at least 1, got True."),
        ({"inner_splits": 1}, "inner_splits must be an integer of at least 2, got 1."),
        ({"parallel_trials": 0}, "parallel_trials must be an integer of at least 1, got 0."),
        ({"timeout": -1}, "timeout must be a number of seconds above 0, got -1."),
        ({"sampler": "tpee"}, "sampler must be tpe, random, grid, got 'tpee'."),
        ({"storage": " "}, "storage is empty: give an address or a path, or null."),
    ],
)
def test_a_value_outside_of_its_range_is_a_sentence(values, sentence):
    with pytest.raises(ValueError) as raised:
        OptunaTuner(**values)
    assert str(raised.value) == sentence


def test_a_storage_that_cannot_be_opened_is_a_sentence_without_its_password(tmp_path):
    (tmp_path / "text").write_text("no journal\nat all\n")
    addresses = (str(tmp_path), str(tmp_path / "text"), "nodb://me:secret@host/x")
    for address in addresses:
        with pytest.raises(ConfigError) as raised:
            OptunaTuner(storage=address).prepare(tmp_path)
        assert "cannot be opened" in str(raised.value)
        assert str(raised.value).endswith("or null.")
        assert "secret" not in str(raised.value)


def test_importance_needs_trials_that_say_something(tmp_path):
    words = ("strategy=smote", "model=logistic_regression", "tuning.pruning=false")
    few = run(tmp_path, *words)
    assert {bool(fold.importance) for fold in few.folds} == {False}
    many = run(tmp_path, *words, "tuning.trials=16", "tuning.metric=log_loss")
    for fold in many.folds:
        assert sum(fold.importance.values()) == pytest.approx(1.0)
        assert fold.importance["model.estimator.C"] > 0.5


def test_results_of_before_can_be_read():
    defaults = {f.name for f in fields(FoldResult) if f.default_factory is not f.default}
    new = {"tuned", "n_trials", "n_pruned", "n_tuning_fits", "tune_s", "trials", "importance"}
    assert new <= defaults
