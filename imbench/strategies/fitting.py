"""Coroutines that fit estimators, so that the nets inside of many can be trained as one stack.

A *fitting* is a generator that fits one estimator. Where a net has to be trained it yields a list
of :class:`Request` and is sent the list of answers; it returns the fitted estimator. Folds, bags,
inner folds and tuning trials are fittings inside fittings: :func:`gather` advances several side by
side and joins their requests, and :func:`run` trains what arrives at the top.

Which nets are trained together follows from the data and the fittings alone, never from timing:
rounding depends on the place of a net in a stack, and a rerun must end in the same bits.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext
from contextvars import Context, ContextVar, copy_context
from dataclasses import dataclass
from typing import Any, Self, TypeVar

from numpy.typing import ArrayLike

from imbench.strategies.threads import threads_of_fit

MAX_BYTES = 2**29  # of the rows of nets that wait to be trained

T = TypeVar("T")
_max_bytes: ContextVar[int] = ContextVar("max_bytes", default=MAX_BYTES)


@dataclass(frozen=True, eq=False)
class Request:
    """One net to train.

    Parameters
    ----------
    job : object
        What is to be trained.
    train_all : callable
        Trains many jobs at once. Takes a list of jobs and returns a list of answers in the same
        order; an answer is what training leaves, or an exception.
    n_bytes : int
        Memory that the job holds until it is trained.
    """

    job: Any
    train_all: Callable[[list[Any]], list[Any]]
    n_bytes: int = 0


Fitting = Generator[list[Request], list[Any], T]


def fitting_of(estimator: Any, X: ArrayLike, y: ArrayLike, **fit_params: Any) -> Fitting[Any]:
    """Return the fitting of any estimator.

    An estimator without a method ``fitting`` is fitted by a plain ``fit``, in which nets are
    trained one by one. So is an instance of a subclass that overrides ``fit`` alone.

    Examples
    --------
    >>> from sklearn.tree import DecisionTreeClassifier
    >>> run(fitting_of(DecisionTreeClassifier(), [[0.0], [1.0]], [0, 1])).get_depth()
    1
    """
    # A plain function: a generator here would hold the rows until the fit is over.
    for cls in type(estimator).__mro__:
        if "fitting" in vars(cls):
            return estimator.fitting(X, y, **fit_params)
        if "fit" in vars(cls):
            break
    return _plain_fit(estimator, X, y, fit_params)


def _plain_fit(estimator: Any, X: ArrayLike, y: ArrayLike, fit_params: Any) -> Fitting[Any]:
    with threads_of_fit(estimator):
        return estimator.fit(X, y, **fit_params)
    yield  # makes it a generator


class FittingMixin:
    """Mixin for estimators whose work is done in ``fitting(X, y)``.

    What rows are given beside their labels comes by keyword, of shape (n,): ``sample_weight`` and
    ``groups``. The signature does not name them: a meta-estimator of scikit-learn that finds
    ``sample_weight`` there would bag by weights of its own.
    """

    def fitting(self, X: Any, y: Any, **given: Any) -> Fitting[Self]:
        """Return a generator that fits the estimator; see :mod:`imbench.strategies.fitting`."""
        raise NotImplementedError

    def fit(self, X: ArrayLike, y: ArrayLike, **given: Any) -> Self:
        """Fit to rows (n, d) and labels (n,)."""
        return run(self.fitting(X, y, **given))


class _Started:
    """A fitting on its way, in a context of its own as the tasks of asyncio have one.

    What is set in a context variable (the fold that warnings belong to) stays with the fitting.
    """

    def __init__(self, fitting: Fitting[Any], max_bytes: int) -> None:
        self.fitting = fitting
        self.context: Context = copy_context()
        self.context.run(_max_bytes.set, max_bytes)
        self.requests: list[Request] = []

    def advance(self, answers: list[Any] | None) -> None:
        """Go on to the next requests; raises StopIteration, or what the fitting raises."""
        self.requests = []  # the nets of the last ones need not wait for the next
        self.requests = self.context.run(self.fitting.send, answers)  # type: ignore[arg-type]

    def close(self) -> None:
        self.context.run(self.fitting.close)


def gather(
    fittings: Iterable[Fitting[T]], *, return_exceptions: bool = False
) -> Fitting[list[Any]]:
    """Advance fittings side by side, and return their results in order.

    They are started one after the other, for as long as the nets that wait to be trained hold
    few enough bytes; 512 MiB in all, of which every fitting inside has an equal part. Fittings
    without nets run one after the other.

    Parameters
    ----------
    fittings : iterable of Fitting
    return_exceptions : bool, default=False
        Return an exception in the place of a result. By default the first one is raised and
        the other fittings are closed.
    """
    waiting = list(enumerate(fittings))[::-1]
    limit, each = _max_bytes.get(), _max_bytes.get() // max(len(waiting), 1)
    results: dict[int, Any] = {}
    started: dict[int, _Started] = {}

    def advance(place: int, task: _Started, answers: list[Any] | None) -> None:
        started[place] = task
        try:
            task.advance(answers)
            return
        except StopIteration as end:
            results[place] = end.value
        except Exception as error:
            if not return_exceptions:
                raise
            results[place] = error
        del started[place]

    try:
        while True:
            held = sum(r.n_bytes for task in started.values() for r in task.requests)
            while waiting and (held < limit or not started):
                place, fitting = waiting.pop()
                advance(place, task := _Started(fitting, each), None)
                held += sum(request.n_bytes for request in task.requests)
            if not started:
                return [results[place] for place in sorted(results)]
            answers = yield [r for task in started.values() for r in task.requests]
            begin = 0
            for place, task in list(started.items()):
                own = answers[begin : begin + len(task.requests)]
                begin += len(own)
                advance(place, task, own)
    finally:
        for task in started.values():
            task.close()


def train_requests(requests: Sequence[Request]) -> list[Any]:
    """Train what is requested, and return the answers in order."""
    answers: list[Any] = [None] * len(requests)
    for train_all in dict.fromkeys(request.train_all for request in requests):
        places = [i for i, request in enumerate(requests) if request.train_all == train_all]
        found = train_all([requests[i].job for i in places])
        for i, answer in zip(places, found, strict=True):
            answers[i] = answer
    return answers


def run(fitting: Fitting[T], context: Callable[[], AbstractContextManager[Any]] = nullcontext) -> T:
    """Drive a fitting to its end, and return its result.

    Parameters
    ----------
    fitting : Fitting
    context : callable
        Makes a context manager that is entered while the fitting computes, and left while nets
        are trained.
    """
    answers = None
    try:
        while True:
            with context():
                try:
                    requests = fitting.send(answers)  # type: ignore[arg-type]
                except StopIteration as end:
                    return end.value
            answers = train_requests(requests)
            del requests
    finally:
        fitting.close()


def single_answer(answers: Sequence[Any]) -> Any:
    """Return the answer to a single request, or raise it if it is an exception."""
    (answer,) = answers
    if isinstance(answer, Exception):
        raise answer
    return answer
