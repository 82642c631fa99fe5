"""Calls that take turns: what one of them changes for itself, the others never see."""

import gc
import warnings
import weakref

import joblib
import numpy as np
import pytest
import sklearn
import torch
from sklearn.ensemble import BaggingClassifier

from imbench.data.splits import Fold
from imbench.models.nets import together
from imbench.models.nets.backbones.mlp import MLP
from imbench.models.nets.classifier import TorchClassifier
from imbench.models.nets.together import run_together
from imbench.run.warning_log import warnings_by_fold


def table(seed=0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(60, 4)).astype(np.float32)
    return X, (X[:, 0] > 0.5).astype(int)


def net():
    return TorchClassifier(MLP([8]), epochs=1, device="cpu", random_state=0)


def test_calls_go_on_in_their_order_after_a_wait():
    said = []

    def call(i):
        said.append(f"{i} begins")
        net().fit(*table())
        said.append(f"{i} ends")
        return i

    assert run_together([lambda i=i: call(i) for i in range(3)]) == [0, 1, 2]
    assert said == [f"{i} {what}" for what in ("begins", "ends") for i in range(3)]


def test_settings_of_libraries_stay_with_their_call():
    seen = []

    def look():
        seen.append((sklearn.get_config()["working_memory"], joblib.Parallel().verbose))

    def call(i):
        with sklearn.config_context(working_memory=100 + i), joblib.parallel_config(verbose=i):
            net().fit(*table())
            look()
        look()

    outside = sklearn.get_config()
    # The second begins inside of the first one's settings and ends after them.
    run_together([lambda: call(1), lambda: call(2)])
    assert seen == [(101, 1), (1024, 0), (102, 2), (1024, 0)]
    assert sklearn.get_config() == outside
    with joblib.parallel_config() as config:
        assert not isinstance(config["backend"], together._Backend)


def test_warnings_of_members_are_those_of_their_fold():
    class Loud(TorchClassifier):
        def fit(self, X, y):
            warnings.warn(f"fold {self.lr:g}", UserWarning, stacklevel=2)
            return super().fit(X, y)

    folds = [Fold(0, i, np.arange(2), np.arange(2)) for i in (1, 2)]

    def call(log, fold):
        member = Loud(MLP([8]), epochs=1, device="cpu", lr=float(fold.fold))
        with log.of(fold):
            BaggingClassifier(member, n_estimators=2, random_state=0).fit(*table())

    with warnings_by_fold() as log:
        run_together([lambda fold=fold: call(log, fold) for fold in folds])
    assert [log.distinct(fold) for fold in folds] == [
        ("UserWarning: fold 1",),
        ("UserWarning: fold 2",),
    ]


def test_an_error_of_a_member_is_the_answer_of_its_call():
    class Broken(TorchClassifier):
        def fit(self, X, y):
            super().fit(X, y)
            raise ValueError("a broken member")

    broken = BaggingClassifier(Broken(MLP([8]), epochs=1, device="cpu"), n_estimators=3)
    good = net()
    answers = run_together([lambda: broken.fit(*table()), lambda: good.fit(*table())])
    assert str(answers[0]) == "a broken member"
    assert answers[1] is good


@pytest.mark.parametrize("where", ["in a call", "in the training"])
def test_an_interrupt_ends_every_call(monkeypatch, where):
    cleaned = []

    def call():
        try:
            net().fit(*table())
        finally:
            cleaned.append(sklearn.get_config()["assume_finite"])

    def interrupted(*args):
        raise KeyboardInterrupt

    def last():
        if where == "in a call":
            interrupted()
        call()

    if where == "in the training":
        monkeypatch.setattr(together, "run_works", interrupted)

    def configured():
        with sklearn.config_context(assume_finite=True):
            call()

    before = torch.get_num_threads()
    with pytest.raises(KeyboardInterrupt):
        run_together([configured, call, last])
    assert cleaned == [True, False, False][: len(cleaned)]
    assert len(cleaned) == (2 if where == "in a call" else 3)
    assert not sklearn.get_config()["assume_finite"]
    assert torch.get_num_threads() == before


def test_members_run_in_turns_too_and_as_many_as_allowed(stack_sizes):
    X, y = table()
    ensembles = [BaggingClassifier(net(), n_estimators=4, random_state=i) for i in range(2)]
    run_together([lambda e=e: e.fit(X, y) for e in ensembles], n_inner=2)
    assert sum(stack_sizes) == 8
    assert max(stack_sizes) <= 4 < sum(stack_sizes)


def test_a_call_that_has_ended_keeps_no_rows():
    class Rows:
        """Can be watched."""

    watched = []

    def call():
        rows = Rows()
        watched.append(weakref.ref(rows))
        net().fit(*table())
        return 1

    def asks():
        net().fit(*table())
        net().fit(*table(1))
        gc.collect()
        return [ref() is None for ref in watched]

    assert run_together([call, call, asks]) == [1, 1, [True, True]]
