"""Train the nets of several fits together.

Folds, bags, inner folds and tuning trials are fittings (:mod:`imbench.strategies.fitting`) that
request nets to be trained. :func:`train_together` advances them side by side; as soon as every
one of them waits, :func:`train_all` groups the requested nets into stacks and trains these.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any, TypeVar

import torch

from imbench.models.nets.job import Job, Training
from imbench.models.nets.schedule import crew, groups, intra_op_threads, run_works
from imbench.models.nets.training import TrainingRun
from imbench.strategies.fitting import Fitting, gather, run

T = TypeVar("T")


def train_together(fittings: Iterable[Fitting[T]]) -> list[T | Exception]:
    """Run fittings side by side, and train the nets that they request in stacks.

    Parameters
    ----------
    fittings : iterable of Fitting

    Returns
    -------
    list
        What each of them returned or raised.

    Examples
    --------
    >>> import numpy as np
    >>> from imbench.models.nets.classifier import TorchClassifier
    >>> X, y = np.eye(4, dtype=np.float32), np.array([0, 0, 1, 1])
    >>> nets = [TorchClassifier(epochs=1, random_state=i) for i in range(3)]
    >>> fitted = train_together([net.fitting(X, y) for net in nets])
    >>> [net.predict(X).shape for net in fitted]
    [(4,), (4,), (4,)]
    """
    # What a fitting itself computes with PyTorch must not depend on the number of cores: one
    # thread may round differently from two.
    return run(gather(fittings, return_exceptions=True), partial(intra_op_threads, 1))


class StackWork:
    """The training of a stack as a work, an epoch a part.

    Parameters
    ----------
    jobs : sequence of Job
    """

    def __init__(self, jobs: Sequence[Job]) -> None:
        self.jobs = jobs
        self.n_parts = jobs[0].settings.epochs
        self.answers: list[Training | Exception] = []
        self._run: TrainingRun | None = None

    def go_on(self, until: int, is_stopped: Callable[[], bool]) -> None:
        """Train up to an epoch; an exception becomes the answer of the nets that are at fault."""
        if self.answers:
            return
        try:
            if self._run is None:
                self._run = TrainingRun(self.jobs)
            self._run.go_on(until, is_stopped)
            if until == self.n_parts:
                self.answers += self._run.trainings()
                self._run = None
        except Exception as error:
            self._run = None
            self.answers = self._one_by_one(error, is_stopped)

    def _one_by_one(
        self, error: Exception, is_stopped: Callable[[], bool]
    ) -> list[Training | Exception]:
        """Train each net alone after the stack has failed; no net was changed yet."""
        if len(self.jobs) == 1:
            return [error]
        works = [StackWork([job]) for job in self.jobs]
        for work in works:
            generator = work.jobs[0].generator
            generator.manual_seed(generator.initial_seed())
            work.go_on(self.n_parts, is_stopped)
        return [answer for work in works for answer in work.answers]


def train_all(jobs: Sequence[Job]) -> list[Training | Exception]:
    """Train nets, those that fit together as one stack and the stacks side by side.

    Parameters
    ----------
    jobs : sequence of Job

    Returns
    -------
    list of Training or Exception
        In the order of the jobs. If a stack fails its nets are trained one by one, so that the
        exception is the answer of those nets alone that raise it.
    """
    members = groups(jobs)
    works: list[Any] = [StackWork([jobs[i] for i in group]) for group in members]
    run_works(works, *crew([work.jobs for work in works], torch.get_num_threads()))
    answers: dict[int, Training | Exception] = {}
    for group, work in zip(members, works, strict=True):
        answers.update(zip(group, work.answers, strict=True))
    return [answers[i] for i in range(len(jobs))]
