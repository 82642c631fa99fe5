"""A plan: the folds of a sweep in chunks, for processes that know nothing of each other.

A plan is one JSON file with a checksum. It holds the words of the sweep, and by number which folds
of which cells each chunk runs. A worker composes the words again and compares the run ids, which
say configuration and data: what it runs is what the plan means, or it says what differs.

Folds that are trained as one stack stay in one chunk, because in another stack their bits would
differ. So do folds that share their scores: decision rules on one classifier.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from heapq import heapify, heapreplace
from pathlib import Path
from typing import Any

from imbench.components.files import replacing
from imbench.components.hashing import canonical_json
from imbench.errors import ConfigError
from imbench.run.sharing import Place

SCHEMA = 1


@dataclass(frozen=True)
class Entry:
    """A cell of a plan.

    Parameters
    ----------
    run_id, dataset, model, label : str
    folder : str
        Name of the folder that holds its results.
    n_folds : int
    reason : str
        Why it cannot run, empty if it can; no chunk holds a fold of it then.
    """

    run_id: str
    dataset: str
    model: str
    label: str
    folder: str
    n_folds: int
    reason: str = ""

    @property
    def name(self) -> str:
        """The cell in words."""
        return f"{self.dataset} {self.model} {self.label}"


@dataclass(frozen=True)
class Piece:
    """Folds that one process runs together.

    Parameters
    ----------
    folds : sequence of (int, Place)
        The number of the cell, and the place of the fold.
    work : float
        How much it is, in any unit.
    """

    folds: Sequence[tuple[int, Place]]
    work: float


@dataclass(frozen=True)
class Plan:
    """Which process runs what.

    Parameters
    ----------
    words : tuple of str
        Of the sweep, as after ``python -m imbench -m``.
    config_dir : str or None
        As ``--config-dir`` was given.
    results_dir : str
    version : str
        Of imbench.
    cells : tuple of Entry
    chunks : tuple of mapping of int to tuple of Place
        The folds of each chunk, by the number of their cell.

    Examples
    --------
    >>> import tempfile
    >>> cell = Entry("0f1a", "toy", "knn", "none", "toy-knn-none-0f1a", n_folds=2)
    >>> plan = Plan(("model=knn",), None, "results", "0.1", (cell,), ({0: ((0, 0), (0, 1))},))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder, "plan.json")
    ...     plan.write(path)
    ...     Plan.read(path) == plan
    True
    """

    words: tuple[str, ...]
    config_dir: str | None
    results_dir: str
    version: str
    cells: tuple[Entry, ...]
    chunks: tuple[Mapping[int, tuple[Place, ...]], ...]

    @property
    def n_folds(self) -> int:
        """Folds of all chunks."""
        return sum(len(folds) for chunk in self.chunks for folds in chunk.values())

    def chunk_of(self) -> dict[tuple[int, Place], int]:
        """Return the number of the chunk of each fold, by the number of its cell and its place."""
        return {
            (i, place): number
            for number, chunk in enumerate(self.chunks)
            for i, places in chunk.items()
            for place in places
        }

    def write(self, path: Path) -> None:
        """Write the plan, with a checksum.

        Raises
        ------
        ConfigError
            If the file cannot be written.
        """
        content = {"format": "imbench plan", "schema": SCHEMA, **asdict(self)}
        content["chunks"] = [{str(i): folds for i, folds in c.items()} for c in self.chunks]
        text = json.dumps({**content, "sha256": _digest(content)})
        try:
            with replacing(path, flush=True) as file:
                file.write(text.encode())
        except OSError as error:
            raise ConfigError(
                f"--out={path} cannot be written ({error.strerror}): give another place, such as "
                "--out plan.json."
            ) from error

    @classmethod
    def read(cls, path: Path) -> Plan:
        """Read a plan and verify it.

        Raises
        ------
        ConfigError
            If there is none, it was changed, or another version wrote it.
        """
        again = "make it again with `python -m imbench plan`"
        try:
            content = json.loads(path.read_bytes())
            digest = content.pop("sha256")
            if content.pop("format") != "imbench plan":
                raise ValueError
        except OSError as error:
            raise ConfigError(f"{path} cannot be read ({error.strerror}): {again}.") from error
        except (ValueError, KeyError, AttributeError, TypeError) as error:
            raise ConfigError(f"{path} is no plan, or is damaged: {again}.") from error
        if content.get("schema") != SCHEMA:
            raise ConfigError(
                f"{path} has schema {content.get('schema')}, this version reads {SCHEMA}: {again}."
            )
        if _digest({"format": "imbench plan", **content}) != digest:
            raise ConfigError(f"{path} was changed or damaged (its checksum differs): {again}.")
        return cls._of(content)

    @classmethod
    def _of(cls, content: dict[str, Any]) -> Plan:
        del content["schema"]
        cells = tuple(Entry(**entry) for entry in content.pop("cells"))
        chunks = tuple(
            {int(i): tuple((repeat, fold) for repeat, fold in places) for i, places in c.items()}
            for c in content.pop("chunks")
        )
        return cls(**content | {"words": tuple(content["words"]), "cells": cells, "chunks": chunks})


def balanced(pieces: Iterable[Piece], n_chunks: int) -> tuple[Mapping[int, tuple[Place, ...]], ...]:
    """Deal pieces out, the largest first, each to the chunk that has the least work so far.

    Pieces of equal work are dealt in turn: strategies that take longer than others on as many rows
    are spread over all chunks.

    References
    ----------
    Graham 1969, "Bounds on multiprocessing timing anomalies", DOI 10.1137/0117039: the largest
    chunk has at most 4/3 of the work that it has in the best division.

    Examples
    --------
    >>> balanced([Piece([(0, (0, fold))], work=2 - fold % 2) for fold in range(4)], 2)
    ({0: ((0, 0), (0, 1))}, {0: ((0, 2), (0, 3))})
    """
    loads = [(0.0, 0, number) for number in range(n_chunks)]  # work, pieces, chunk
    heapify(loads)
    dealt: list[list[tuple[int, Place]]] = [[] for _ in range(n_chunks)]
    for piece in sorted(pieces, key=lambda piece: -piece.work):
        work, n, number = loads[0]
        heapreplace(loads, (work + piece.work, n + 1, number))
        dealt[number] += piece.folds
    chunks = []
    for folds in dealt:
        chunk: dict[int, tuple[Place, ...]] = {}
        for i, place in sorted(folds):
            chunk[i] = (*chunk.get(i, ()), place)
        chunks.append(chunk)
    return tuple(chunks)


def _digest(content: Mapping[str, Any]) -> str:
    """Return the checksum of what is read back from JSON, where a tuple is a list."""
    return hashlib.sha256(canonical_json(json.loads(json.dumps(content)))).hexdigest()
