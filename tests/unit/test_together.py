"""Nets of several fits are trained together, and what belongs to one fit stays with it."""

import warnings

import numpy as np
import pytest
import torch
from sklearn.ensemble import BaggingClassifier

from imbench.data.splits import Fold
from imbench.models.nets import schedule
from imbench.models.nets.backbones.mlp import MLP
from imbench.models.nets.classifier import TorchClassifier
from imbench.models.nets.together import train_together
from imbench.run.warning_log import warnings_by_fold
from imbench.strategies.ensemble.bagging import Bagging
from imbench.strategies.fitting import fitting_of


def table(seed=0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(60, 4)).astype(np.float32)
    return X, (X[:, 0] > 0.5).astype(int)


def net(**values):
    return TorchClassifier(MLP([8]), epochs=1, device="cpu", random_state=0, **values)


def test_fits_go_on_in_their_order_after_a_wait():
    said = []

    def fitting(i):
        said.append(f"{i} begins")
        yield from net().fitting(*table())
        said.append(f"{i} ends")
        return i

    assert train_together(fitting(i) for i in range(3)) == [0, 1, 2]
    assert said == [f"{i} {what}" for what in ("begins", "ends") for i in range(3)]


def test_warnings_of_members_are_those_of_their_fold():
    class Loud(TorchClassifier):
        def fitting(self, X, y):
            warnings.warn(f"begins fold {self.lr:g}", UserWarning, stacklevel=2)
            yield from super().fitting(X, y)
            warnings.warn(f"ends fold {self.lr:g}", UserWarning, stacklevel=2)
            return self

    folds = [Fold(0, i, np.arange(2), np.arange(2)) for i in (1, 2)]

    def fitting(log, fold):
        member = Loud(MLP([8]), epochs=1, device="cpu", lr=float(fold.fold))
        with log.of(fold):
            return (yield from Bagging(member, n_estimators=2, random_state=0).fitting(*table()))

    with warnings_by_fold() as log:
        train_together(fitting(log, fold) for fold in folds)
    assert [log.distinct(fold) for fold in folds] == [
        (f"UserWarning: begins fold {i}", f"UserWarning: ends fold {i}") for i in (1, 2)
    ]


def test_an_error_of_a_member_is_the_answer_of_its_fold():
    class Broken(TorchClassifier):
        def fitting(self, X, y):
            yield from super().fitting(X, y)
            raise ValueError("a broken member")

    broken = Bagging(Broken(MLP([8]), epochs=1, device="cpu"), n_estimators=3)
    good = net()
    answers = train_together([broken.fitting(*table()), good.fitting(*table())])
    assert str(answers[0]) == "a broken member"
    assert answers[1] is good


@pytest.mark.parametrize("where", ["in a fit", "in the training"])
def test_an_interrupt_ends_every_fit(monkeypatch, where):
    cleaned = []

    def fitting(i):
        try:
            yield from net().fitting(*table())
        finally:
            cleaned.append(i)

    def interrupted(*args):
        raise KeyboardInterrupt

    def last():
        if where == "in a fit":
            interrupted()
        yield from fitting(2)

    if where == "in the training":
        monkeypatch.setattr(schedule, "train", interrupted)
    before = torch.get_num_threads()
    with pytest.raises(KeyboardInterrupt):
        train_together([fitting(0), fitting(1), last()])
    assert cleaned == ([0, 1] if where == "in a fit" else [0, 1, 2])
    assert torch.get_num_threads() == before


def test_what_a_fit_computes_itself_uses_one_thread_and_the_training_all(monkeypatch):
    seen, plain = [], schedule.workers_and_threads
    monkeypatch.setattr(torch, "get_num_threads", lambda: n_threads[-1])
    monkeypatch.setattr(torch, "set_num_threads", lambda n: n_threads.append(n))
    n_threads = [3]

    def noted(stacks, n_cores):
        seen.append(("training", n_cores))
        return plain(stacks, 1)

    monkeypatch.setattr(schedule, "workers_and_threads", noted)

    def fitting():
        yield from net().fitting(*table())
        seen.append(("fit", torch.get_num_threads()))

    train_together([fitting()])
    assert seen == [("training", 3), ("fit", 1)]
    assert torch.get_num_threads() == 3


def test_members_of_an_ensemble_of_our_own_are_trained_as_one_stack(stack_sizes):
    X, y = table()
    member = net(validation_fraction=0.0)
    Bagging(member, n_estimators=4, random_state=0).fit(X, y)
    assert stack_sizes == [4]
    stack_sizes.clear()
    bagged = [Bagging(member, n_estimators=4, random_state=i) for i in range(2)]
    train_together(b.fitting(X, y) for b in bagged)
    assert stack_sizes == [8]


def test_members_of_any_other_ensemble_are_trained_one_by_one(stack_sizes):
    X, y = table()
    bagged = BaggingClassifier(net(validation_fraction=0.0), n_estimators=3, random_state=0)
    assert train_together([fitting_of(bagged, X, y)]) == [bagged]
    assert stack_sizes == [1] * 3
