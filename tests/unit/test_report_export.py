from __future__ import annotations

import csv
import io
import re

import pandas as pd
import pytest

from imbench.errors import ConfigError
from imbench.report.export import to_csv, to_frame, write_parquet
from imbench.report.latex import escape_latex, to_latex
from imbench.report.tables import build_leaderboard
from imbench.results.metric_options import MetricOptions
from tests.factories import make_cell

EVIL = r"a_b & 50% {x} \input{y} #1 $z$ ~^ <|>"


def board(datasets=("digits",), **options):
    cells = [
        make_cell(label, dataset=d, n=200, **cell)
        for d in datasets
        for label, cell in {
            "none": {"skill": 1.0},
            "smote": {"skill": 3.0},
            EVIL: {"skill": 2.9},
            "focal": {"status": "skipped", "reason": "needs a net_work"},
        }.items()
    ]
    return build_leaderboard(cells, MetricOptions(**options))


def test_latex_is_a_booktabs_table_whose_lines_have_one_number_of_cells():
    text = to_latex(board())
    assert text.count(r"\begin{table}") == text.count(r"\end{table}") == 1
    for rule in (r"\toprule", r"\midrule", r"\bottomrule"):
        assert text.count(rule) == 1
    (columns,) = re.findall(r"\\begin\{tabular\}\{([lr]+)\}", text)
    lines = [line for line in text.splitlines() if line.endswith(r"\\")]
    assert len(lines) == 1 + 4
    for line in lines:
        assert len(re.findall(r"(?<!\\)&", line)) == len(columns) - 1


def test_latex_is_bold_for_the_group_of_the_best():
    found = board()
    lines = {line.split(" & ")[0].strip(): line for line in to_latex(found).splitlines()}
    assert r"\textbf{0.983} $\pm$ 0.014" in lines["smote"]
    assert r"\textbf" not in lines["none"]
    assert to_latex(found).count(r"\textbf") == sum(row.among_best for row in found.rows) == 2
    assert r"$\pm$" in lines["none"]


def test_latex_has_the_chosen_columns_marks_and_gains():
    found = board(columns=("roc_auc", "brier"))
    text = to_latex(found)
    (head,) = [line for line in text.splitlines() if line.strip().startswith("strategy")]
    assert head.strip() == (
        r"strategy & verdict & gain in f1\_macro & ranking & decisions & probabilities & "
        r"roc\_auc $\uparrow$ & brier $\downarrow$ \\"
    )
    (smote,) = [line for line in text.splitlines() if "textbf{smote}" in line]
    assert smote.strip().startswith(r"\textbf{smote} & $\uparrow$ & +0.240 [+0.")
    assert r"$\uparrow$ better, $\nearrow$ probably better, = equal" in text


def test_names_are_escaped_in_latex():
    text = to_latex(board())
    assert r"\input{y}" not in text
    assert escape_latex(EVIL) in text
    assert escape_latex(EVIL).startswith(r"a\_b \& 50\% \{x\} \textbackslash{}input\{y\} \#1 \$z\$")
    # Braces balance when those that are escaped are left out.
    bare = text.replace(r"\{", "").replace(r"\}", "")
    assert bare.count("{") == bare.count("}")
    assert text.isascii()


def test_latex_has_a_table_for_the_ranking_and_none_for_nothing():
    text = to_latex(board(("a", "b", "c")))
    assert text.count(r"\begin{table}") == 3 + 1
    assert "Nemenyi" in text
    assert "3 scores imputed" in text
    assert to_latex(build_leaderboard([], MetricOptions())) == ""


def test_frame_has_a_row_for_each_value_of_the_csv():
    found = board()
    frame = to_frame(found)
    lines = list(csv.DictReader(io.StringIO(to_csv(found))))
    assert len(frame) == len(lines)
    assert list(frame.columns) == list(lines[0])
    assert frame["value"].sum() == pytest.approx(
        sum(float(line["value"]) for line in lines if line["value"])
    )
    assert set(frame["label"]) == {"none", "smote", EVIL, "focal"}  # "none" is a name, not missing
    assert frame.loc[frame["label"] == "focal", "metric"].isna().all()


def test_parquet_reads_back_as_the_frame(tmp_path):
    found = board()
    write_parquet(found, tmp_path / "results.parquet")
    pd.testing.assert_frame_equal(pd.read_parquet(tmp_path / "results.parquet"), to_frame(found))
    empty = build_leaderboard([], MetricOptions())
    write_parquet(empty, tmp_path / "empty.parquet")
    assert len(pd.read_parquet(tmp_path / "empty.parquet")) == 0


def test_a_folder_that_is_not_there_is_one_sentence(tmp_path):
    with pytest.raises(ConfigError, match=r"results\.parquet cannot be written"):
        write_parquet(board(), tmp_path / "no" / "results.parquet")
