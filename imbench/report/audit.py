"""Leak audit of stored cells: leaks, duplicate rows and folds that differ between cells.

It reads stored records only. :mod:`imbench.pipeline.witness` creates them and documents their
keys. Called by ``imbench audit`` and by the report.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from imbench.data.row_hashes import rows_hash
from imbench.results.fold import CellResult, FoldResult

# Configuration that determines the rows of the folds. Model and strategy have no influence.
SPLIT_BY = ("dataset", "fingerprint", "splits", "seed")
SHORT = 8  # hexadecimal digits of a hash in a table


@dataclass(frozen=True)
class CellAudit:
    """Summary of the audit records of one cell.

    Parameters
    ----------
    dataset, model, label : str
    n_folds, n_recorded : int
        Stored folds, and those with an audit record.
    train, test : str
        Hash of the row numbers of all training or test parts, in the order of the folds. It is
        equal for cells with the same folds, and empty without a record.
    n_test, overlap, copies, contradictory : int
        Sums over the folds, see :func:`imbench.data.split_facts.fold_facts`.
    fitted : tuple of str
        One line per kind of fit: number of fits, rows, and steps.
    leaks : tuple of str
        One sentence per leak of test rows into a fit.
    notes : tuple of str
        Other remarks.
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
    """Audit each cell, and compare the folds of cells that should have the same ones."""
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
    """Return a sentence for each data set with test rows that equal rows of their training part.

    Such duplicates are legal and common in tables with few columns, but a model is then tested on
    rows that it was trained on. Each split of a data set is reported once, for the cell with the
    most folds.
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
    """Yield a sentence for each leak of test rows into the fits of a fold."""
    place = f"repeat {fold.repeat}, fold {fold.fold}"
    if fold.audit["overlap"]:
        yield (
            f"{place}: {fold.audit['overlap']} rows of the test part are rows of the training "
            "part too."
        )
    roles = {"straddling_groups": "group", "from_future": "time"}
    way = f"set splits={'_'.join(way for fact, way in roles.items() if fact in fold.audit)}."
    if n := fold.audit.get("straddling_groups"):
        yield f"{place}: {n} groups have rows in the test part and in the training part: {way}"
    if n := fold.audit.get("from_future"):
        n_train = fold.audit["n_train"]
        yield f"{place}: {n} of {n_train} training rows are not from before the test part: {way}"
    for fit in (*fold.audit.get("fits", ()), *fold.audit.get("tuning_fits", ())):
        if fit["from_test"]:
            yield (
                f"{place}: {fit['from_test']} rows that only the test part holds were fitted on "
                f"by {_names(fit)}."
            )
    if len(fold.test_index) and rows_hash(fold.test_index) != fold.audit["test_rows"]:
        yield f"{place}: the rows that were predicted are not the test part of the record."


def _fitted(folds: Sequence[FoldResult]) -> Iterator[str]:
    """Yield one line per kind of fit over all folds, first of the strategy, then of its tuning."""
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
