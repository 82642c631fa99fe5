"""Fittings: several are advanced side by side, and what they request is answered in order."""

import gc
import weakref
from contextvars import ContextVar

import numpy as np
import pytest
from sklearn.base import BaseEstimator
from sklearn.tree import DecisionTreeClassifier

from imbench.strategies.fitting import (
    MAX_BYTES,
    FittingMixin,
    Request,
    fitting_of,
    gather,
    run,
    single_answer,
)

COLOUR: ContextVar[str] = ContextVar("colour", default="none")


def squares(rounds):
    """Return a trainer that notes the jobs of each call and answers with their squares."""

    def train_all(jobs):
        rounds.append(list(jobs))
        return [job**2 for job in jobs]

    return train_all


def asks(train_all, *jobs, n_bytes=0):
    """A fitting that requests one job after the other, and returns the sum of the answers."""
    total = 0
    for job in jobs:
        total += single_answer((yield [Request(job, train_all, n_bytes)]))
    return total


def test_requests_of_fittings_side_by_side_are_answered_together_and_in_order():
    rounds = []
    train_all = squares(rounds)
    found = run(gather(asks(train_all, *jobs) for jobs in ([1, 2, 3], [4], [], [5, 6])))
    assert found == [14, 16, 0, 61]
    assert rounds == [[1, 4, 5], [2, 6], [3]]


def test_fittings_inside_fittings_are_joined():
    rounds = []
    train_all = squares(rounds)

    def outer(*jobs):
        return sum((yield from gather(asks(train_all, job) for job in jobs)))

    assert run(gather([outer(1, 2), asks(train_all, 3, 4), outer(5)])) == [5, 25, 25]
    assert rounds == [[1, 2, 3, 5], [4]]


def test_jobs_of_different_trainers_are_trained_apart():
    first, second = [], []
    fittings = [asks(squares(first), 1), asks(squares(second), 2), asks(squares(first), 3)]
    assert run(gather(fittings)) == [1, 4, 9]
    assert (first, second) == ([[1], [3]], [[2]])


def test_an_exception_that_is_an_answer_is_raised_where_it_was_requested():
    def train_all(jobs):
        return [ValueError("no net") if job == 2 else job for job in jobs]

    def patient():
        try:
            single_answer((yield [Request(2, train_all)]))
        except ValueError as error:
            return f"caught: {error}"

    fittings = [asks(train_all, 1), asks(train_all, 2), patient()]
    one, two, three = run(gather(fittings, return_exceptions=True))
    assert (one, three) == (1, "caught: no net")
    assert isinstance(two, ValueError)
    with pytest.raises(ValueError, match="no net"):
        run(gather([asks(train_all, 1), asks(train_all, 2)]))


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_the_other_fittings_are_closed_when_one_raises(error):
    closed = []

    def waits(name):
        try:
            yield from asks(squares([]), 1, 2)
        finally:
            closed.append((name, COLOUR.get()))

    def raises():
        yield from asks(squares([]), 1)
        raise error

    def coloured(name):
        token = COLOUR.set(name)
        try:
            yield from waits(name)
        finally:
            COLOUR.reset(token)

    with pytest.raises(error):
        run(gather([coloured("red"), raises(), coloured("blue")]))
    assert closed == [("red", "red"), ("blue", "blue")]


def test_every_fitting_has_context_variables_of_its_own():
    seen = []

    def coloured(name):
        COLOUR.set(name)
        yield from asks(squares([]), 1)
        seen.append(COLOUR.get())

    run(gather([coloured("red"), coloured("blue")]))
    assert seen == ["red", "blue"]
    assert COLOUR.get() == "none"


def test_no_more_are_started_than_their_bytes_allow():
    rounds = []
    train_all = squares(rounds)
    run(gather(asks(train_all, i, n_bytes=MAX_BYTES // 2) for i in range(5)))
    assert rounds == [[0, 1], [2, 3], [4]]
    rounds.clear()
    run(gather([asks(train_all, 1, n_bytes=3 * MAX_BYTES), asks(train_all, 2)]))
    assert rounds == [[1], [2]], "one at least"


def test_fittings_inside_share_the_bytes():
    rounds = []
    train_all = squares(rounds)

    def outer(first):
        return gather(asks(train_all, first + i, n_bytes=MAX_BYTES // 8) for i in range(4))

    run(gather(outer(first) for first in (0, 10)))
    assert rounds == [[0, 1, 2, 3, 10, 11, 12, 13]]
    rounds.clear()
    run(gather(outer(first) for first in (0, 10, 20, 30)))
    assert rounds[0] == [0, 1, 10, 11, 20, 21, 30, 31]


def test_fittings_without_requests_run_one_after_the_other():
    alive, most = [], []

    class Rows:
        pass

    def plain():
        rows = Rows()
        alive.append(weakref.ref(rows))
        gc.collect()
        most.append(sum(ref() is not None for ref in alive))
        return 1
        yield

    assert run(gather(plain() for _ in range(4))) == [1] * 4
    assert most == [1] * 4


class Trained(FittingMixin, BaseEstimator):
    """Is fitted by a generator."""

    def fitting(self, X, y):
        self.answer_ = single_answer((yield [Request(len(X), squares([]))]))
        return self


class FitAlone(Trained):
    """A subclass that overrides `fit` and knows of no generators."""

    def fit(self, X, y):
        self.seen_ = X
        return super().fit(X, y)


def test_fit_runs_the_generator():
    assert Trained().fit([[1], [2]], [0, 1]).answer_ == 4


def test_any_estimator_has_a_fitting():
    X, y = np.eye(3), np.arange(3)
    assert run(fitting_of(Trained(), X, y)).answer_ == 9
    tree = run(fitting_of(DecisionTreeClassifier(), X, y, sample_weight=np.ones(3)))
    assert tree.predict(X).tolist() == [0, 1, 2]
    alone = run(fitting_of(FitAlone(), X, y))
    assert alone.seen_ is X
    assert alone.answer_ == 9
