"""The leak audit of stored cells: leaks, duplicates and folds that differ, from records alone.

Called by ``imbench audit`` and by the report. How a record is made, and what its keys mean, is
:mod:`imbench.pipeline.witness`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from imbench.data.row_hashes import rows_hash
from imbench.results.fold import CellResult, FoldResult

# What cells must share for their folds to be the same rows, whatever model and strategy.
SPLIT_BY = ("dataset", "fingerprint", "splits", "seed")
SHORT = 8  # hexadecimal digits of a hash in a table


@dataclass(frozen=True)
class CellAudit:
    """What the records of one cell say.

    Parameters
    ----------
    dataset, model, label : str
    n_folds, n_recorded : int
        Folds that are stored, and those of them with a record.
    train, test : str
        Hash over the row numbers of the training (test) parts of all folds, in their order;
        equal for all cells that met the same folds. Empty without a record.
    n_test, overlap, copies, contradictory : int
        Sums over the folds: test rows; those whose number, those whose content and those
        whose content with another label stand in the training part of their fold.
    fitted : tuple of str
        A line for each kind of fit: how many, on how many rows, by which steps.
    leaks : tuple of str
        A sentence for each place where rows of a test part were fitted on.
    notes : tuple of str
        What else the reader must know.
    """

    dataset: str
    model: str
    label: str
    n_folds: int
    n_recorded: int
    train: str
    test: str
    n_test: int
    overlap: int
    copies: int
    contradictory: int
    fitted: tuple[str, ...]
    leaks: tuple[str, ...]
    notes: tuple[str, ...]


def audit_cells(cells: Sequence[CellResult]) -> list[CellAudit]:
    """Judge the records of cells, and whether cells of one data set met the same folds."""
    first: dict[tuple[str, int, int], tuple[str, FoldResult]] = {}
    audits = []
    for cell in cells:
        strangers: dict[str, int] = {}
        for fold in _recorded(cell):
            name = f"{cell.model}/{cell.label}"
            place = (_split_key(cell), fold.repeat, fold.fold)
            other, known = first.setdefault(place, (name, fold))
            if any(fold.audit[k] != known.audit[k] for k in ("train_rows", "test_rows")):
                strangers[other] = strangers.get(other, 0) + 1
        notes = [
            f"{n} of its folds have other rows than those of {other}."
            for other, n in strangers.items()
        ]
        audits.append(_audit(cell, notes))
    return audits


def duplicate_warnings(cells: Sequence[CellResult]) -> list[str]:
    """Return a sentence for each data set with test rows that stand in their training part too.

    Rows of equal content are legal, and common in tables of few columns, but on them a model is
    tested on what it was trained on. Every split of a data set is counted once, from the cell
    with the most folds.
    """
    by_split: dict[str, list[CellAudit]] = {}
    distinct: dict[str, tuple[int, int]] = {}
    for cell in cells:
        for fold in _recorded(cell)[:1]:
            by_split.setdefault(_split_key(cell), []).append(_audit(cell))
            distinct[_split_key(cell)] = fold.audit["n_rows"], fold.audit["n_distinct"]
    sentences = []
    for key, audits in by_split.items():
        found = max(audits, key=lambda audit: audit.n_recorded)
        if found.copies:
            n_rows, n_distinct = distinct[key]
            sentences.append(
                f"dataset={found.dataset}: duplicates straddle the folds: "
                f"{found.copies} of {found.n_test} test rows "
                f"({found.copies / found.n_test:.1%}, {_folds(found.n_recorded)}) stand with "
                f"the same values in the training part of their fold, {found.contradictory} of "
                f"them with another label there; {n_distinct} of the {n_rows} rows are "
                "different."
            )
    return list(dict.fromkeys(sentences))


def _audit(cell: CellResult, notes: Sequence[str] = ()) -> CellAudit:
    folds = _recorded(cell)
    missing = len(cell.folds) - len(folds)
    unseen = sum(fold.audit.get("unseen_fits", 0) for fold in folds)
    more = list(notes)
    if missing:
        more.append(f"{_folds(missing)} without a record, of an older version: run them anew.")
    if unseen:
        more.append(f"{unseen} fits were not seen: on which rows is not known.")
    return CellAudit(
        dataset=cell.dataset,
        model=cell.model,
        label=cell.label,
        n_folds=len(cell.folds),
        n_recorded=len(folds),
        train=_joined(fold.audit["train_rows"] for fold in folds),
        test=_joined(fold.audit["test_rows"] for fold in folds),
        n_test=sum(fold.audit["n_test"] for fold in folds),
        overlap=sum(fold.audit["overlap"] for fold in folds),
        copies=sum(fold.audit["copies"] for fold in folds),
        contradictory=sum(fold.audit["contradictory"] for fold in folds),
        fitted=tuple(_fitted(folds)),
        leaks=tuple(sentence for fold in folds for sentence in _leaks(fold)),
        notes=tuple(more),
    )


def _leaks(fold: FoldResult) -> Iterator[str]:
    """Yield a sentence for each way in which test rows were fitted on."""
    place = f"repeat {fold.repeat}, fold {fold.fold}"
    if fold.audit["overlap"]:
        yield (
            f"{place}: {fold.audit['overlap']} rows of the test part are rows of the training "
            "part too."
        )
    for fit in (*fold.audit.get("fits", ()), *fold.audit.get("tuning_fits", ())):
        if fit["from_test"]:
            yield (
                f"{place}: {fit['from_test']} rows that only the test part holds were fitted on "
                f"by {_names(fit)}."
            )
    if len(fold.test_index) and rows_hash(fold.test_index) != fold.audit["test_rows"]:
        yield f"{place}: the rows that were predicted are not the test part of the record."


def _fitted(folds: Sequence[FoldResult]) -> Iterator[str]:
    """Yield a line a kind of fit, over all folds: of the strategy itself, then of its tuning."""
    yield from _kinds_of_fits(folds, "fits", "")
    replayed = sum(fold.audit.get("replayed_fits", 0) for fold in folds)
    if replayed:
        yield (
            f"{replayed} fit{'s' if replayed > 1 else ''} of which the scores were known: see the "
            "strategies that share all but the decision rule"
        )
    yield from _kinds_of_fits(folds, "tuning_fits", "tuning: ")


def _kinds_of_fits(folds: Sequence[FoldResult], key: str, prefix: str) -> Iterator[str]:
    kinds: dict[tuple[bool, str], list[Mapping[str, Any]]] = {}
    for fold in folds:
        for fit in fold.audit.get(key, ()):
            kinds.setdefault((not fit["whole"], _names(fit)), []).append(fit)
    for (is_part, _), fits in sorted(kinds.items(), key=lambda item: item[0]):
        n_fits = sum(fit["n_fits"] for fit in fits)
        steps = ", ".join(
            f"{name} on {_span([fit['steps'][i][1:] for fit in fits])}"
            for i, (name, *_) in enumerate(fits[0]["steps"])
        )
        on = "inner folds or bags" if is_part else "the whole training part"
        held_out = _span([fit["n_held_out"] for fit in fits])
        made = sum(fit["made"] for fit in fits)
        yield (
            f"{prefix}{n_fits} fit{'s' if n_fits > 1 else ''} on {on}: "
            f"{_span([fit['n_rows'] for fit in fits])} rows"
            + (f", {held_out} of them held out for validation" if held_out != "0" else "")
            + (f", {made} of them made" if made else "")
            + f"; {steps}"
        )


def _names(fit: Mapping[str, Any]) -> str:
    return " > ".join(name for name, *_ in fit["steps"])


def _span(ranges: Sequence[Sequence[int]]) -> str:
    low, high = min(r[0] for r in ranges), max(r[1] for r in ranges)
    return str(low) if low == high else f"{low} to {high}"


def _recorded(cell: CellResult) -> list[FoldResult]:
    return [fold for fold in cell.folds if fold.audit]


def _split_key(cell: CellResult) -> str:
    shared = {key: cell.config.get(key) for key in SPLIT_BY}
    return json.dumps([cell.dataset, shared], sort_keys=True, default=str)


def _joined(hashes: Iterator[str]) -> str:
    text = "".join(hashes)
    return hashlib.sha256(text.encode()).hexdigest() if text else ""


def _folds(n: int) -> str:
    return f"{n} fold{'s' if n != 1 else ''}"
