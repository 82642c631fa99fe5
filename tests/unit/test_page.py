from __future__ import annotations

import base64
import dataclasses
import json
import re
from html import escape
from html.parser import HTMLParser

import numpy as np
import pytest

from imbench.errors import ConfigError
from imbench.report.comparisons import Judge
from imbench.report.packing import STATS
from imbench.report.page import write_report
from imbench.report.payload import (
    Extras,
    beside_baseline,
    build_payload,
    paired_folds,
    to_json,
    with_metric,
)
from imbench.report.provenance import command_lines
from imbench.report.tables import build_leaderboard
from imbench.report.words import sentence
from imbench.results.metric_options import MetricOptions, metric_options
from tests.factories import make_cell, make_fold
from tests.pages import EVIL, sweep

pytestmark = pytest.mark.slow  # seconds as a whole

OPTIONS = MetricOptions()


def payload_of(cells, options=OPTIONS, extras=None):
    board = build_leaderboard(cells, options)
    return build_payload(board, cells, options, extras or Extras())


def unpack(text, shape):
    return np.frombuffer(base64.b64decode(text), "<f4").reshape(shape)


def stats_of(payload, block):
    shape = (len(block["rows"]), len(payload["metrics"]), len(STATS))
    return unpack(block["stats"], shape)


def data_of(page):
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', page, re.DOTALL)
    return json.loads(found[1])


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    cells = [*sweep(), make_cell(EVIL, skill=3.0, n=200, dataset='a"b/🎉')]
    return write_report(cells, OPTIONS, tmp_path_factory.mktemp("page") / "new" / "report")


def test_report_is_a_page_with_tables_beside_it(page):
    assert sorted(p.name for p in page.parent.iterdir()) == [
        "index.html", "report.md", "results.csv", "results.parquet", "tables.tex",
    ]  # fmt: skip
    html = page.read_text(encoding="utf-8")
    cells = [*sweep(), make_cell(EVIL, skill=3.0, n=200, dataset='a"b/🎉')]
    for block in build_leaderboard(cells, OPTIONS).blocks:  # readable without JavaScript
        assert f"<li>{escape(sentence(block, 'f1_macro'))}</li>" in html
    assert "default-src 'none'" in html  # a browser refuses every address outside the page
    assert not re.search(r"<(link|img|iframe)\b|<script[^>]+src", html.split("<script")[0])
    markdown = (page.parent / "report.md").read_text(encoding="utf-8")
    assert "<script" not in markdown
    assert "| smote |" in markdown


def test_names_cannot_leave_the_data_block(page):
    html = page.read_text(encoding="utf-8")
    assert "<script>alert" not in html
    data = data_of(html)
    titles = {row["title"] for block in data["blocks"] for row in block["rows"]}
    assert EVIL in titles  # whole, once it is read as JSON


def test_a_name_like_a_placeholder_stays_a_name(tmp_path):
    cells = [make_cell("<!--PLOTLY-->", n=40)]
    html = write_report(cells, OPTIONS, tmp_path).read_text(encoding="utf-8")
    assert data_of(html)["blocks"][0]["rows"][0]["title"] == "<!--PLOTLY-->"
    assert html.count("plotly.js v") == 1


def test_json_escapes_what_ends_a_script_and_what_ends_a_line():
    text = to_json({"a": "</script><!--\u2028\u2029"})
    assert not set(text) & {"<", "\u2028", "\u2029"}
    assert json.loads(text) == {"a": "</script><!--\u2028\u2029"}


def test_the_plotting_library_is_safe_inside_a_script():
    from plotly.offline import get_plotlyjs

    assert not re.search(r"</script|<!--", get_plotlyjs(), re.IGNORECASE)


def test_page_is_well_formed(page):
    class Balance(HTMLParser):
        open_tags: list[str] = []  # noqa: RUF012 - one parser, one test

        def handle_starttag(self, tag, attrs):
            if tag not in ("meta", "input"):
                self.open_tags.append(tag)

        def handle_endtag(self, tag):
            assert self.open_tags.pop() == tag

    parser = Balance()
    parser.feed(page.read_text("utf-8"))
    assert parser.open_tags == []


def test_report_without_results_says_so(tmp_path):
    html = write_report([], OPTIONS, tmp_path).read_text(encoding="utf-8")
    assert "no results here" in html
    assert data_of(html)["blocks"] == []


def test_report_into_a_file_names_the_place(tmp_path):
    (tmp_path / "taken").write_text("")
    with pytest.raises(ConfigError, match=r"cannot be written to .*taken"):
        write_report(sweep(), OPTIONS, tmp_path / "taken")


def test_packed_numbers_are_those_of_the_leaderboard():
    board = build_leaderboard(sweep(), OPTIONS)
    payload = payload_of(sweep())
    (block,) = payload["blocks"]
    stats = stats_of(payload, block)
    j = [m["key"] for m in payload["metrics"]].index("f1_macro")
    for i, row in enumerate(board.rows):
        expected = row.mean.get("f1_macro", np.nan)
        np.testing.assert_allclose(stats[i, j, 0], expected, rtol=1e-6)
        if row.comparison is not None:
            told = row.comparison
            numbers = [told.gain, told.low, told.high, told.p_adjusted, told.p_better]
            np.testing.assert_allclose(stats[i, j, 2:7], numbers, rtol=1e-5, atol=1e-30)
    at = STATS.index("verdict")
    verdicts = dict(zip([r["title"] for r in block["rows"]], stats[:, j, at], strict=True))
    assert payload["verdicts"][int(verdicts["smote"])] == ["▲", "better"]
    assert payload["verdicts"][int(verdicts["noise"])] == ["▼", "worse"]
    assert np.isnan(verdicts["none"])
    assert block["rows"][block["baseline"]]["title"] == "none"


def test_fold_values_are_ordered_by_row_fold_metric():
    board = build_leaderboard(sweep(), OPTIONS)
    payload = payload_of(sweep())
    (block,) = payload["blocks"]
    assert block["folds"] == ["0.0", "0.1", "0.2", "0.3", "0.4"]
    keys = [m["key"] for m in payload["metrics"]]
    values = unpack(block["values"], (len(block["rows"]), 5, len(keys)))
    for i, row in enumerate(board.rows):
        for f, fold in enumerate(row.folds):
            expected = [fold.metrics[key] for key in keys]
            np.testing.assert_allclose(values[i, f], expected, rtol=1e-6)
    assert np.isnan(values[-1]).all()  # the failed cell has no fold


@pytest.mark.parametrize("metric", ["brier", "roc_auc", "mcc"])
def test_another_metric_gets_the_verdict_of_a_report_about_it(metric):
    cells = sweep()
    (block,) = build_leaderboard(cells, OPTIONS).blocks
    members = {cell.run_id: cell for cell in cells}
    judge = Judge(block.rows, [members[row.run_id] for row in block.rows], OPTIONS)
    told = with_metric(block, judge, metric)
    about = build_leaderboard(cells, metric_options({"sort": metric}))
    expected = {row.title: row.comparison for row in about.rows}
    assert {row.title: str(row.comparison) for row in told.rows} == {
        title: str(comparison) for title, comparison in expected.items()
    }
    assert sum(c is not None for c in expected.values()) == 3


def test_folds_with_other_test_rows_are_no_pairs():
    cells = [make_cell("none"), make_cell("smote", skill=3.0)]
    moved = dataclasses.replace(cells[1].folds[0], test_index=cells[1].folds[0].test_index + 1)
    cells[1] = dataclasses.replace(cells[1], folds=(moved, *cells[1].folds[1:]))
    assert paired_folds(cells[1], cells[0]) == [(0, 1), (0, 2), (0, 3), (0, 4)]
    (block,) = payload_of(cells)["blocks"]
    paired = dict(zip([r["title"] for r in block["rows"]], block["paired"], strict=True))
    assert paired == {"none": [0, 1, 2, 3, 4], "smote": [1, 2, 3, 4]}


def test_identical_predictions_and_undefined_folds_are_noted():
    one_class = make_cell("none").folds[0]
    one_class = dataclasses.replace(one_class, y_true=np.zeros_like(one_class.y_true))
    cells = [make_cell(label) for label in ("none", "smote")]
    cells = [dataclasses.replace(c, folds=(one_class, *c.folds[1:])) for c in cells]
    (block,) = payload_of(cells, metric_options({"columns": ["roc_auc", "accuracy"]}))["blocks"]
    assert any("same predictions as" in line for line in block["notes"])
    assert any("roc_auc is undefined on 1 of 5 folds" in line for line in block["notes"])


def test_damaged_and_mixed_results_are_reported():
    old = make_cell("smote", versions={"torch": "2.0"})
    new = make_cell("none", versions={"torch": "2.9"})
    payload = payload_of([old, new], extras=Extras(problems=("Left out: r0-f1.npz.",)))
    assert payload["problems"] == [
        "Left out: r0-f1.npz.",
        "The folds were computed by different versions: torch 2.0 (5 folds), 2.9 (5 folds).",
    ]


def test_a_cell_without_any_fold_has_a_row():
    cell = dataclasses.replace(make_cell("none", n_folds=0), n_folds=5)
    (block,) = payload_of([cell])["blocks"]
    assert block["rows"][0]["reason"].startswith("0 of 5 folds")
    assert "curves" not in block["rows"][0]


def test_a_cell_that_failed_after_some_folds_has_a_row():
    failed = make_cell("late", n_folds=3)
    failed = dataclasses.replace(failed, status="failed", reason="the fourth fold broke")
    rows = payload_of([make_cell("none"), failed])["blocks"][0]["rows"]
    told = {row["status"] for row in rows if "status" in row}
    assert told == {"failed"}


def test_commands_are_the_fewest():
    words = [
        ("dataset=digits", "model=mlp", "strategy=none"),
        ("dataset=digits", "model=mlp", "strategy=[smote,focal]"),
        ("dataset=digits", "model=mlp", "strategy=focal", "strategy.loss.focal.gamma=1.0"),
        ("dataset=digits", "model=mlp", "seed=1", "strategy=none"),
    ]
    assert command_lines(words) == [
        "python -m imbench -m dataset=digits model=mlp 'strategy=none,[smote,focal]'",
        "python -m imbench dataset=digits model=mlp strategy.loss.focal.gamma=1.0 strategy=focal",
        "python -m imbench dataset=digits model=mlp seed=1 strategy=none",
    ]


def test_cells_without_a_command_are_named():
    cells = sweep()
    known = {cells[0].run_id: ("dataset=digits", "strategy=none")}
    (block,) = payload_of(cells, extras=Extras(commands=known))["blocks"]
    assert block["commands"] == ["python -m imbench dataset=digits strategy=none"]
    assert set(block["uncommanded"]) == {"smote", "threshold", "noise", "broken", "focal"}


def test_crossings_list_their_gains():
    rule = dataclasses.replace(make_cell("threshold", skill=1.2, n=200), stages=("decision",))
    both = make_cell("smote+threshold", skill=3.0, n=200)
    both = dataclasses.replace(both, stages=("resample", "decision"))
    cells = [make_cell("none", skill=1.0, n=200), make_cell("smote", skill=3.0, n=200), rule, both]
    (block,) = payload_of(cells)["blocks"]
    rows = {row.title: row.mean["f1_macro"] for row in build_leaderboard(cells, OPTIONS).rows}
    ((strategy, name, own, alone, beyond, low, high, p),) = block["crossings"]
    assert (strategy, name) == ("smote", "threshold")
    assert own == pytest.approx(rows["smote"] - rows["none"], abs=1e-4)
    assert alone == pytest.approx(rows["threshold"] - rows["none"], abs=1e-4)
    assert beyond == pytest.approx(rows["smote+threshold"] - rows["threshold"], abs=1e-4)
    assert low < beyond < high
    assert 0 <= p <= 1
    assert not any("over doing nothing" in line for line in block["notes"])


def test_every_metric_has_its_ranking():
    cells = [c for dataset in "abc" for c in sweep(dataset)]
    payload = payload_of(cells)
    by_metric = dict(zip([m["key"] for m in payload["metrics"]], payload["rankings"], strict=True))
    (by_f1,), (by_brier,) = by_metric["f1_macro"], by_metric["brier"]
    assert by_f1["model"] == "knn"
    assert by_f1["texts"][0][0] == "smote"
    assert by_f1["texts"][-1][0] == "broken"  # failed everywhere
    assert by_f1["ranks"] == sorted(by_f1["ranks"])
    assert all(0 <= first < last < 6 for first, last in by_f1["cliques"])
    about = build_leaderboard(cells, metric_options({"sort": "brier"})).rankings[0]
    assert [t[0] for t in by_brier["texts"]] == [s.title for s in about.standings]
    json.loads(to_json(payload))


def test_too_few_data_sets_have_a_reason_instead_of_a_difference():
    payload = payload_of([c for dataset in "ab" for c in sweep(dataset)])
    (ranking,) = payload["rankings"][0]
    assert "it takes 3" in ranking["reason"]
    assert ranking["cd"] is None
    assert ranking["cliques"] == []


def test_profile_has_the_verdicts_of_three_questions():
    board = build_leaderboard(sweep(), OPTIONS)
    payload = payload_of(sweep())
    (block,) = payload["blocks"]
    questions = dict(block["questions"])
    assert questions["ranking"] == ["average precision", "ROC AUC"]
    assert questions["decisions"][0] == "macro F1"
    assert questions["probabilities"] == ["Brier score", "log loss", "ECE"]
    rows = {row["title"]: row for row in block["rows"]}
    smote = next(row for row in board.rows if row.title == "smote")
    words = [[payload["verdicts"][place][1] for place in told] for told in rows["smote"]["profile"]]
    assert words[0] == [smote.profile[m].verdict for m in ("average_precision", "roc_auc")]
    assert words[1][0] == smote.comparison.verdict
    assert words[2] == [smote.profile[m].verdict for m in ("brier", "log_loss", "ece")]
    assert "profile" not in rows["none"]


def test_a_metric_of_ranking_answers_no_question_of_decisions():
    (block,) = payload_of(sweep(), metric_options({"sort": "roc_auc"}))["blocks"]
    names = [name for _, told in block["questions"] for name in told]
    assert names.count("ROC AUC") == 1
    assert "ROC AUC" in dict(block["questions"])["ranking"]


def test_counts_are_those_of_rows_tested_once():
    folds = [make_fold(100 * r + f, fold=f, repeat=r, n=50) for r in range(2) for f in range(3)]
    cell = dataclasses.replace(make_cell("none", n_folds=3), folds=tuple(folds), n_folds=6)
    (block,) = payload_of([dataclasses.replace(cell, stopped="the budget is spent")])["blocks"]
    (row,) = block["rows"]
    y = np.concatenate([f.y_true for f in folds])
    guess = np.concatenate([f.y_pred for f in folds])
    found, n_rare, alarms, n_others = row["counts"]
    assert found == np.sum((y == 1) & (guess == 1)) / 2
    assert n_rare == np.sum(y == 1) / 2
    assert alarms == np.sum((y == 0) & (guess == 1)) / 2
    assert n_rare + n_others == 150
    assert row["repeats"] == 2
    assert row["stopped"] == "the budget is spent"
    assert sum(row["confusion"]) == 2 * 150  # the browser divides by repeats


def test_gains_beyond_the_best_trivial_remedy_are_in_the_rows():
    cells = [
        make_cell("none", skill=1.0, n=200),
        make_cell("threshold", skill=2.0, n=200),
        make_cell("smote", skill=3.5, n=200),
    ]
    payload = payload_of(cells)
    (block,) = payload["blocks"]
    rows = {row["title"]: row for row in block["rows"]}
    assert block["rows"][block["trivial"]]["title"] == "threshold"
    gain, low, high, p, p_better, place = rows["smote"]["beyond"]
    assert low < gain < high
    assert p < 0.05 < p_better
    assert payload["verdicts"][place][1] == "better"
    assert "beyond" not in rows["threshold"]


def test_the_page_compares_with_the_chosen_baseline():
    cells = [make_cell("none", n=200), make_cell("threshold", skill=2.0, n=200)]
    board = build_leaderboard(cells, OPTIONS, baseline="auto")
    (block,) = build_payload(board, cells, OPTIONS, Extras())["blocks"]
    assert block["rows"][block["baseline"]]["title"] == "threshold"
    assert [len(paired) for paired in block["paired"]] == [5, 5]


def test_what_the_answer_takes_is_shown_beside_the_baseline():
    far = [make_cell("none", skill=1.0, n=200), make_cell("threshold", skill=2.0, n=200)]
    (block,) = build_leaderboard([*far, make_cell("smote", skill=3.5, n=200)], OPTIONS).blocks
    assert beside_baseline(block, "f1_macro") == "smote"
    (block,) = build_leaderboard([*far, make_cell("smote", skill=2.02, n=200)], OPTIONS).blocks
    assert block.rows[0].title == "smote"
    assert beside_baseline(block, "f1_macro") == "threshold"
    (block,) = build_leaderboard(far[:1], OPTIONS).blocks
    assert beside_baseline(block, "f1_macro") == ""
    (block,) = build_leaderboard(far[1:], OPTIONS).blocks
    assert beside_baseline(block, "f1_macro") == "threshold"


def test_few_rare_rows_say_why_there_is_no_verdict():
    cells = [make_cell(s, n=6, skill=i) for i, s in enumerate(("none", "smote"))]
    folds = [dataclasses.replace(f, y_true=np.eye(6, dtype=np.int64)[0]) for f in cells[0].folds]
    cells = [
        dataclasses.replace(
            c,
            folds=tuple(
                dataclasses.replace(f, y_true=g.y_true) for f, g in zip(c.folds, folds, strict=True)
            ),
        )
        for c in cells
    ]
    (block,) = payload_of(cells)["blocks"]
    notes = {row["title"]: row.get("note", "") for row in block["rows"]}
    assert "rare rows: no verdict below 3 repeats" in notes["smote"]


def test_words_of_the_old_test_are_gone(page):
    _, _, rest = page.read_text("utf-8").partition('<script type="text/plain"')
    ours = rest[rest.rindex("<script>") :]  # what the plotting library and the data do not hold
    assert "simultaneous 95 % interval" in ours
    told = re.search("cannot be told|bootstrap|correlated t-test|Holm|posterior", ours)
    assert told is None


def test_size_of_a_cell_is_bounded():
    cells = [make_cell(f"s{i}", n=2000, skill=1.0) for i in range(20)]
    size = len(to_json(payload_of(cells)))
    assert size / len(cells) < 3_400  # 3,000 cells and the plotting library: 15 MB
