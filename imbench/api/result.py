"""What a comparison found: a table, a verdict in words, figures, a report, and a model."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from imbench.components.construct import closest
from imbench.components.visible import say
from imbench.errors import ConfigError
from imbench.report.answer import answer
from imbench.report.board import Block, Leaderboard, Row
from imbench.report.tables import build_leaderboard
from imbench.report.words import answers
from imbench.results.fold import CellResult
from imbench.results.metric_options import MetricOptions, minority_label
from imbench.results.readings import reading_key, reading_of
from imbench.strategies.costs import cost_table

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

    from imbench.api.estimator import ImbalancedClassifier

PLOTS = ("pr", "roc", "reliability", "cost", "gain")


@dataclass(frozen=True, eq=False)
class ComparisonResult:
    """The result of :func:`imbench.compare`.

    Parameters
    ----------
    cells : tuple of CellResult
        One a combination of model and strategy, with the predictions of each fold.
    options : MetricOptions
    baseline : str
        What gains are measured against.
    notices : tuple of str
        What was read, what was noticed before the run, and why it ended.
    configs : tuple of mapping
        The composed configuration of each cell.
    words : tuple of str
        The words of the command line that make the same sweep.
    progress : bool
        Whether what is worth a notice is said on standard error.
    """

    cells: tuple[CellResult, ...]
    options: MetricOptions
    baseline: str = "none"
    notices: tuple[str, ...] = ()
    configs: tuple[Mapping[str, Any], ...] = ()
    words: tuple[str, ...] = ()
    progress: bool = False

    @cached_property
    def board(self) -> Leaderboard:
        """The comparison as the report has it."""
        return build_leaderboard(
            self.cells, self.options, with_intervals=True, baseline=self.baseline
        )

    @property
    def verdict(self) -> str:
        """What to take, how sure that is, and what it means, in words."""
        return "\n".join(answers(self.board.blocks, self.board.sort))

    @property
    def table(self) -> pd.DataFrame:
        """One line for each model and strategy, best first.

        Columns: ``model, strategy, status, gain, low, high, verdict, found, n_rare,
        false_alarms, fit_s``, the shown metrics (means over folds), and ``reason``.
        """
        import pandas as pd

        return pd.DataFrame([self._line(block, row) for block, row in self._rows()])

    def _line(self, block: Block, row: Row) -> dict[str, Any]:
        told, counts = row.comparison, row.counts
        is_base = row.title == block.baseline
        return {
            "model": row.model,
            "strategy": row.title,
            "status": row.status,
            "gain": told.gain if told else np.nan,
            "low": told.low if told else np.nan,
            "high": told.high if told else np.nan,
            "verdict": "baseline" if is_base else told.verdict if told else "",
            "found": counts.found if counts else np.nan,
            "n_rare": counts.n_rare if counts else np.nan,
            "false_alarms": counts.alarms if counts else np.nan,
            "fit_s": row.fit_s,
            **{name: row.mean.get(name, np.nan) for name in self.board.columns},
            "reason": row.reason,
        }

    def _rows(self) -> list[tuple[Block, Row]]:
        return [(block, row) for block in self.board.blocks for row in block.rows]

    @property
    def recommended(self) -> str:
        """The row to take, as ``model/strategy``; of several models that with the best metric."""
        return f"{self.recommended_row.model}/{self.recommended_row.title}"

    @property
    def recommended_row(self) -> Row:
        """The row of :attr:`recommended`."""
        return self._recommended()[1]

    @property
    def recommended_cell(self) -> CellResult:
        """The cell of :attr:`recommended`."""
        run_id = self.recommended_row.run_id
        return next(cell for cell in self.cells if cell.run_id == run_id)

    def _recommended(self) -> tuple[Block, Row]:
        picks = []
        for block in self.board.blocks:
            title = answer(block, self.board.sort).pick or block.baseline
            picks += [(block, row) for row in block.finished if row.title == title]
        if not picks:
            raise ConfigError("no strategy finished, so that there is nothing to recommend.")
        sign = 1 if self.options.higher_is_better(self.board.sort) else -1
        return max(picks, key=lambda pick: sign * pick[1].mean.get(self.board.sort, -sign * np.inf))

    def plot(self, kind: str = "pr", strategies: Sequence[str] | None = None) -> Figure:
        """Draw strategies in one figure.

        Parameters
        ----------
        kind : {"pr", "roc", "reliability", "cost", "gain"}
            Curves of the minority over all folds together, what a row costs over the threshold
            (with ``costs`` of two classes), or the gains with their intervals.
        strategies : sequence of str or None
            Titles of rows; None draws the first eight.

        Raises
        ------
        ConfigError
            If the kind or a strategy is unknown.
        """
        from imbench.report import overlays

        if kind not in PLOTS:
            raise ConfigError(f"kind={kind!r} is no plot: choose one of {', '.join(PLOTS)}.")
        block = self.board.blocks[0]
        if kind == "gain":
            return overlays.figure_gains(block, self.board.sort)
        rows = block.finished if strategies is None else [self._row(s)[1] for s in strategies]
        if not rows:
            raise ConfigError("no strategy finished, so that there is nothing to draw.")
        found = {cell.run_id: cell for cell in self.cells}
        first = found[rows[0].run_id].finished[0]
        label = minority_label(self.options, first.class_names, first.minority)
        named = [(r.title, overlays.pooled(found[r.run_id].finished, label)) for r in rows]
        if kind != "cost":
            return overlays.figure_curves(kind, named, first.class_names[label])
        if self.options.costs is None or len(first.class_names) != 2:
            raise ConfigError(
                "kind='cost' needs costs of two classes: compare(..., costs={'missed': 20, "
                "'false_alarm': 1})."
            )
        costs = cost_table(self.options.costs, first.class_names, label)
        return overlays.figure_cost(named, costs[label, 1 - label], costs[1 - label, label])

    def _row(self, name: str) -> tuple[Block, Row]:
        """Return the row of a title, or of ``model/title``.

        A title of several models means the recommended one of them.
        """
        found = [
            (block, row)
            for block, row in self._rows()
            if name in (row.title, row.label, f"{row.model}/{row.title}")
        ]
        titles = [f"{row.model}/{row.title}" for _, row in found or self._rows()]
        if not found:
            raise ConfigError(
                f"there is no strategy {name!r}{closest(name, titles)}: the table has "
                f"{', '.join(titles)}."
            )
        if len(found) == 1:
            return found[0]
        pick = self.recommended_row
        exact = [pair for pair in found if pair[1].run_id == pick.run_id]
        exact = exact or [pair for pair in found if pair[1].model == pick.model]
        if len(exact) == 1:
            return exact[0]
        if len(set(titles)) == 1:
            raise ConfigError(
                f"{name!r} is the name of {len(found)} rows, which differ in their folds or in "
                "tuning: compare those settings in calls of their own."
            )
        raise ConfigError(
            f"{name!r} is the name of {len(found)} rows, and none of them is recommended: choose "
            f"{' or '.join(map(repr, titles))}."
        )

    def report(self, path: str | Path = "report.html", advice: Sequence[str] = ()) -> Path:
        """Write the report, and return the path of its page.

        Parameters
        ----------
        path : str or Path
            A page (``.html``), or a folder for the page and the tables as Markdown, LaTeX, CSV and
            Parquet.
        advice : sequence of str
            Sentences that the page shows below the verdict.
        """
        from imbench.report.page import to_html, write_report
        from imbench.report.payload import Extras, build_payload, to_json

        out = Path(path)
        extras = Extras(readings=self._readings(), advice=tuple(advice))
        if out.suffix.lower() not in (".html", ".htm"):
            return write_report(self.cells, self.options, out, extras, self.board)
        payload = build_payload(self.board, list(self.cells), self.options, extras)
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_text(to_html(self.board, to_json(payload), advice), encoding="utf-8")
        return out

    def _readings(self) -> dict[str, tuple[str, ...]]:
        """Return what was read of the data, as it is stored beside the folds."""
        runs = Path(self.configs[0]["results_dir"]) / "runs"
        return {reading_key(cell.config): reading_of(runs, cell.config) for cell in self.cells}

    def fit(self, name: str | None = None) -> ImbalancedClassifier:
        """Fit a strategy to all rows, and return a classifier that takes the same table.

        Parameters
        ----------
        name : str or None
            Title of a row, or ``model/title``; None is :attr:`recommended`. A title of several
            models is that of the recommended model; a line on standard error and ``notes_`` of
            the classifier say which one that is.

        Returns
        -------
        ImbalancedClassifier
            Fitted; it has ``save(folder)``.

        Raises
        ------
        ConfigError
            If there is no such row, or it did not finish, or the name fits several and the
            recommended model is not among them.
        """
        from imbench.api.refit import refit

        wanted = self.recommended if name is None else name
        block, row = self._row(wanted)
        if row.status != "ok":
            raise ConfigError(f"{wanted} did not finish ({row.reason}): choose another one.")
        index = next(i for i, cell in enumerate(self.cells) if cell.run_id == row.run_id)
        config, cell = self.configs[index], self.cells[index]
        said = self._said(wanted, row)
        if said and self.progress:
            say(said, sys.stderr)
        fitted = refit(self.words, config, cell, block, row, self.board.sort)
        fitted.notes_ = (*fitted.notes_, *([said] if said else []))
        return fitted

    def _said(self, name: str, taken: Row) -> str:
        """Return a sentence that names the row that is taken, where a name fits several."""
        fits = [row for _, row in self._rows() if name in (row.title, row.label)]
        if len(fits) < 2:
            return ""
        names = ", ".join(f"{row.model}/{row.title}" for row in fits)
        return (
            f"{name} is the name of {len(fits)} rows ({names}); {taken.model}/{taken.title} is "
            "fitted, as that model is recommended."
        )

    def __repr__(self) -> str:
        return self.verdict

    def _repr_html_(self) -> str:
        words = "".join(f"<p>{escape(line)}</p>" for line in self.verdict.splitlines())
        shown = self.table.drop(columns=["reason"]).round(3)
        return f"{words}{shown.to_html(index=False, na_rep='', border=0)}"
