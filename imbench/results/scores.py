"""Decision rules on stored scores: one fit of a classifier serves every rule.

A rule of the stage `decision` needs nothing of the classifier but its scores: on the test rows,
and for tuned rules the out-of-fold scores of inner folds. :class:`Recorded` wraps the classifier.
It fits it on the first request and stores the scores; the next request for the same training
rows, by another rule or another process, is answered from the store.
"""

from __future__ import annotations

import hashlib
import io
import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.utils import get_tags

from imbench.components.damage import Damaged, digest
from imbench.data.dataset import Dataset
from imbench.data.splits import Fold
from imbench.models.base import Model
from imbench.pipeline.context import FitContext
from imbench.results.fold import CellKey, FoldResult
from imbench.results.store import Store
from imbench.strategies.base import Strategy
from imbench.strategies.facts import FactsMixin, ModelFacts, facts_of
from imbench.strategies.fitting import Fitting, FittingMixin, fitting_of, run

ARRAYS = ("rows", "scores", "classes")
SEAL = b"\nsha256:"  # readers of zip files pass over what stands behind the end


@dataclass(eq=False)
class Answer:
    """Scores of a classifier that was fitted to certain rows.

    Parameters
    ----------
    classes : ndarray of shape (K,)
    fit_s : float
    trained : tuple of mapping
        Facts of the models inside, see :class:`imbench.strategies.facts.FitFacts`.
    notes : tuple of str
    rows : ndarray of shape (m,)
        Numbers of the rows that have scores, ascending.
    scores : ndarray of shape (m, K)
    """

    classes: NDArray[np.int64]
    fit_s: float
    trained: tuple[Mapping[str, Any], ...]
    notes: tuple[str, ...]
    rows: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, np.int64))
    scores: NDArray[np.float64] = field(default_factory=lambda: np.empty((0, 0)))

    def unknown(self, asked: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the row numbers that have no scores yet, in their order."""
        return asked[~np.isin(asked, self.rows)]

    def of(self, asked: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return the scores of row numbers that have some, shape (n_asked, K)."""
        return self.scores[np.searchsorted(self.rows, asked)]

    def add(self, rows: NDArray[np.int64], scores: NDArray[np.float64]) -> Self:
        """Add the scores of rows that had none."""
        if len(self.rows):
            rows = np.concatenate([self.rows, rows])
            scores = np.concatenate([self.scores, scores])
        order = np.argsort(rows)
        self.rows, self.scores = rows[order], scores[order]
        return self


@dataclass(eq=False)
class Record:
    """The answers of one fold, by the rows that the classifier was fitted to.

    Parameters
    ----------
    answers : mapping of str to Answer
    share : float
        Share of the elapsed time that is counted as this fold's: 1 / n for n folds that are
        fitted side by side.
    replayed : mapping of str to float
        The stored answers that were used, and the seconds that their fits had taken.
    is_changed : bool
        Whether answers were added since it was read.
    reused_s : float
        Seconds of resampling whose rows came from the cache.
    """

    answers: dict[str, Answer] = field(default_factory=dict)
    share: float = 1.0
    replayed: dict[str, float] = field(default_factory=dict)
    is_changed: bool = False
    reused_s: float = 0.0

    @classmethod
    def of(cls, result: FoldResult | None, fold: Fold, y: NDArray[np.int64]) -> Record:
        """Return what the stored fold of the strategy without its rule says.

        Parameters
        ----------
        result : FoldResult or None
        fold : Fold
        y : ndarray of shape (n,)
            Labels of the data set.
        """
        record = cls()
        if result is None or result.status != "ok" or not result.trained:
            return record
        classes = np.flatnonzero(np.asarray(result.counts_before))
        key = _key(fold.train_index, y[fold.train_index])
        answer = Answer(classes, result.fit_s, result.trained, result.notes)
        record.answers[key] = answer.add(result.test_index, result.y_score[:, classes])
        return record

    def forget_unweighted(self) -> None:
        """Drop answers of versions that did not store the class weights of the models."""
        self.answers = {
            key: answer
            for key, answer in self.answers.items()
            if all("class_weights_" in plain["model"] for plain in answer.trained)
        }

    def to_bytes(self) -> bytes:
        """Return the answers as an npz file with a checksum at its end."""
        arrays: dict[str, NDArray[Any]] = {}
        facts = []
        for i, (key, answer) in enumerate(self.answers.items()):
            own = dict(vars(answer))
            arrays |= {f"{name}_{i}": own.pop(name) for name in ARRAYS}
            facts.append({"key": key, **own})
        buffer = io.BytesIO()
        arrays["facts"] = np.array(json.dumps(facts))
        np.savez(buffer, **arrays)  # type: ignore[arg-type]
        content = buffer.getvalue()
        return content + SEAL + digest(content).encode()

    @classmethod
    def from_bytes(cls, content: bytes) -> Record:
        """Read what :meth:`to_bytes` wrote; empty if it is damaged, for it can be made again."""
        record = cls()
        try:
            with np.load(io.BytesIO(_checked(content)), allow_pickle=False) as loaded:
                for i, facts in enumerate(json.loads(str(loaded["facts"]))):
                    rows, scores, classes = (loaded[f"{name}_{i}"] for name in ARRAYS)
                    if len(scores) != len(rows):
                        return cls()
                    answer = Answer(
                        classes, facts["fit_s"], tuple(facts["trained"]), tuple(facts["notes"])
                    )
                    record.answers[facts["key"]] = answer.add(rows, scores)
        except Exception:  # zipfile, zlib, tokenize and more have exceptions of their own
            return cls()
        return record


class Recorded(FactsMixin, FittingMixin, ClassifierMixin, BaseEstimator):
    """A classifier of row numbers that stores its scores.

    Parameters
    ----------
    estimator : estimator
    X : ndarray of shape (n, d)
        All rows of the data set.
    record : Record
        Shared by all clones.
    """

    def __init__(self, estimator: Any, X: Any, record: Record) -> None:
        self.estimator = estimator
        self.X = X
        self.record = record

    def __sklearn_clone__(self) -> Recorded:
        """Return one with the same rows and the same memory."""
        return Recorded(clone(self.estimator), self.X, self.record)

    def __sklearn_tags__(self) -> Any:
        """Return the tags of the classifier inside."""
        return get_tags(self.estimator)

    def fitting(
        self, X: NDArray[np.int64], y: NDArray[np.int64], **given: NDArray[Any]
    ) -> Fitting[Self]:
        """Return a generator that fits to row numbers (n, 1) if no scores are stored."""
        self._rows, self._y, self._given = X[:, 0], y, given
        self.estimator_: Any = None
        self.classes_ = np.unique(y)
        self._key = _key(self._rows, y)
        answer = self.record.answers.get(self._key)
        if answer is None:
            yield from self._fit()
            return self
        self.record.replayed[self._key] = answer.fit_s
        self.notes_ = answer.notes
        return self

    def fitted_members(self) -> Sequence[Any]:
        """Return the classifier, or nothing if its scores were known."""
        return () if self.estimator_ is None else (self.estimator_,)

    def model_facts(self) -> Sequence[ModelFacts]:
        """Return the facts of the classifier, which are stored with its scores."""
        if self.estimator_ is not None:
            return super().model_facts()
        stored = self.record.answers[self._key].trained
        return [ModelFacts.from_plain(plain) for plain in stored]

    def _fit(self) -> Fitting[None]:
        started = time.perf_counter()
        rows = self.X[self._rows]
        self.estimator_ = yield from fitting_of(clone(self.estimator), rows, self._y, **self._given)
        fit_s = (time.perf_counter() - started) * self.record.share
        classes, facts = np.asarray(self.estimator_.classes_, np.int64), facts_of(self.estimator_)
        fit_s += facts.reused_s
        self.record.reused_s += facts.reused_s
        self.record.is_changed = True
        answer = self.record.answers.setdefault(
            self._key, Answer(classes, fit_s, facts.trained, facts.notes)
        )
        self.classes_ = answer.classes
        del self._rows, self._y, self._given  # never fitted again

    def predict_proba(self, rows: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return the probabilities of rows (m, 1) of the data set, shape (m, K)."""
        answer = self.record.answers[self._key]
        new = answer.unknown(rows[:, 0])
        if len(new):
            if self.estimator_ is None:
                run(self._fit())
            self.record.is_changed = True
            answer.add(new, self.estimator_.predict_proba(self.X[new]))
        return answer.of(rows[:, 0])

    def predict(self, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the most probable class of each row, shape (m,)."""
        return self.classes_[self.predict_proba(rows).argmax(1)]


def rule_on_scores(
    model: Model,
    strategy: Strategy,
    data: Dataset,
    seed: int,
    record: Record,
    context: FitContext,
) -> Any:
    """Return the decision rule of a strategy around a :class:`Recorded` classifier.

    It takes row numbers (n, 1) in the place of rows. None if the strategy has no rule, or one
    that looks into the classifier and not at its scores alone.

    Raises
    ------
    Incompatible
        If the parts do not fit.
    """
    from imbench.components.seeding import seed_estimator
    from imbench.pipeline.build import build, with_classes

    wrap = strategy.entry("decision")
    if wrap is None:
        return None
    # Imports scikit-learn's model selection, which a cell without a rule does not need.
    from imbench.strategies.decision.base import DecisionRule

    rule = wrap(estimator=None)
    if not isinstance(rule, DecisionRule) or not rule.learns_from_scores:
        return None
    if strategy.weights and getattr(rule, "uses_class_weights", False):
        record.forget_unweighted()
    build(model, strategy, data.info, seed)  # says what is incompatible, the rule included
    classifier = build(model, strategy.without("decision"), data.info, seed, context)
    rule = with_classes(wrap(estimator=Recorded(classifier, data.X, record)), data.info)
    return seed_estimator(rule, seed)


@dataclass(frozen=True)
class RecordFiles:
    """Where the records of a cell without its decision rule lie.

    Parameters
    ----------
    store : Store
    key : CellKey
        Of the cell without the rule.
    y : ndarray of shape (n,)
        Labels of the data set.
    """

    store: Store
    key: CellKey
    y: NDArray[np.int64]

    def read(self, fold: Fold) -> Record:
        """Return what is known of a fold: of the cell itself, and of other rules."""
        result = self.store.read_fold(self.key, fold.repeat, fold.fold)
        record = Record.of(result, fold, self.y)
        content = self.store.read_scores(self.key, fold.repeat, fold.fold)
        if content is not None:
            stored = Record.from_bytes(content)
            if not stored.answers:
                self.store.forget_scores(self.key, fold.repeat, fold.fold, content)
            record.answers |= stored.answers
        return record

    def write(self, fold: Fold, record: Record) -> None:
        """Store a record that has changed."""
        if record.is_changed:
            content = record.to_bytes()
            self.store.write_scores(self.key, fold.repeat, fold.fold, content)


def _checked(content: bytes) -> bytes:
    """Return a record without its checksum; older versions wrote none.

    Raises
    ------
    Damaged
        If it fails its checksum.
    """
    record, found, checksum = content.rpartition(SEAL)
    if not found and content[-22:-18] == b"PK\5\6":  # the end of a zip file, and nothing behind
        return content
    if digest(record).encode() != checksum:
        raise Damaged("fails its checksum")
    return record


def _key(rows: NDArray[np.int64], y: NDArray[np.int64]) -> str:
    digest = hashlib.sha256(np.ascontiguousarray(rows, np.int64).tobytes())
    digest.update(np.ascontiguousarray(y, np.int64).tobytes())
    return digest.hexdigest()[:16]
