"""The benchmark measures what it says; how fast anything is, is not tested."""

import importlib
import json
import math
import sys
from types import SimpleNamespace

import numpy as np
import pytest

from tests.conftest import ROOT

KEYS = {"name", "ratio", "reach", "ok", "conditions"}
WITHOUT_PEERS = {
    "mnist_floor", "bagging", "gpu_stack", "mnist_command", "overhead", "help", "done_cell",
    "tables_telco_hgb", "tables_telco_lightgbm", "tables_50k_hgb", "tables_50k_lightgbm",
    "tables_50k_samplers_hgb", "tables_50k_samplers_lightgbm", "busy",
    "memory_mlp", "memory_hgb",
}  # fmt: skip
# Rows of the code and the table of another row, with another model: a smoke run leaves them out.
ALIKE = {
    "tables_telco_lightgbm": "tables_telco_hgb", "tables_50k_hgb": "tables_50k_lightgbm",
    "tables_50k_samplers_lightgbm": "tables_50k_samplers_hgb", "memory_hgb": "memory_mlp",
}  # fmt: skip


@pytest.fixture(scope="module")
def bench():
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(ROOT / "scripts"))
        yield importlib.import_module("bench")


@pytest.fixture(scope="module")
def part(bench):
    """Return a function that imports a module of the benchmark."""
    return lambda name: importlib.import_module(f"benchmarks.{name}")


@pytest.fixture(scope="module")
def smoke(bench, tmp_path_factory):
    """Rows of a smoke run without the environments of the peers, by name, and what it printed."""
    path = tmp_path_factory.mktemp("bench") / "rows.json"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("IMBENCH_BENCH", str(path.parent))
        patch.delenv("IMBENCH_BENCH_PYTHON", raising=False)
        measured = ",".join(name for name in bench.names() if name not in ALIKE)
        assert bench.main(["--smoke", "--rows", measured, "--json", str(path)]) == 0
    return json.loads(path.read_text())


@pytest.fixture
def page_rows(bench, smoke):
    """As many rows as a page has: those that were left out are those that they are alike."""
    rows = {row["name"]: row for row in smoke["rows"]}
    return [{**rows[ALIKE.get(name, name)], "name": name} for name in bench.names()]


@pytest.fixture
def small(part, tmp_path):
    """A smoke benchmark that takes the row's own number of pairs."""
    return part("sides").Bench(tmp_path, n_pairs=2, smoke=True)


def test_every_row_is_there_with_its_keys_and_conditions(bench, smoke):
    rows = smoke["rows"]
    assert [row["name"] for row in rows] == [n for n in bench.names() if n not in ALIKE]
    assert len(set(bench.names())) == len(rows) + len(ALIKE) == 31
    for row in rows:
        assert row.keys() >= KEYS
        assert "SMOKE RUN" in row["conditions"]
    assert "max(0.02" in smoke["f1_rule"]
    assert "cores" in smoke["machine"]


def test_reaches_are_those_that_were_promised(bench):
    wanted = {
        "folds": 15, "repeats": 35, "mnist_folds": 2.5, "mnist_floor": 3, "bagging_skorch": 8,
        "gpu_stack": 2, "gpu_folds": 100, "mnist_command": 7, "overhead": 0.25, "help": 0.1,
        "done_cell": 0.7, "tables_telco_hgb": 0.8, "tables_telco_lightgbm": 0.8,
        "tables_50k_hgb": 0.8, "tables_50k_lightgbm": 0.8, "busy": 1.5, "memory_mlp": 3,
        "memory_hgb": 3,
    }  # fmt: skip
    aims = [aim for group in bench.ROWS for aim in group]
    assert {aim.name: aim.reach for aim in aims if aim.reach is not None} == wanted
    bounds = {aim.name for aim in aims if aim.at_most}
    lower = {"folds", "repeats", "mnist_folds", "bagging_skorch", "gpu_folds", "mnist_command"}
    inform_only = {"tables_50k_samplers_hgb", "tables_50k_samplers_lightgbm"}
    assert bounds - inform_only == wanted.keys() - lower


def test_rows_that_need_no_peer_are_measured_and_the_others_say_what_is_missing(smoke):
    for row in smoke["rows"]:
        if row["name"] in WITHOUT_PEERS:
            assert row["ratio"] > 0, row
            assert row["n_pairs"] == len(row["ratios"]) == 1
        else:
            assert row["ratio"] is None
            assert row["ok"] is None
            assert row["reason"].startswith("not measured: the environment of bench_peers")


def test_both_sides_of_the_tutorial_have_learnt_the_same(smoke):
    (row,) = [r for r in smoke["rows"] if r["name"] == "mnist_command"]
    assert row["f1_ours"] > 0.7
    assert row["f1_peer"] > 0.7
    # What random digits would give is 0.1; what is noise on real ones is the rule's matter.
    assert abs(row["f1_ours"] - row["f1_peer"]) < 0.2


def test_both_sides_of_the_tables_predict_the_same_folds_with_the_same_strategies(smoke):
    rows = [r for r in smoke["rows"] if r["name"].startswith("tables_")]
    assert len(rows) == 3
    for row in rows:
        assert row["f1_ours"] == pytest.approx(row["f1_peer"], abs=0.1), row
        assert "cross_validate" in row["conditions"]


def test_strategies_of_the_tables_are_ten_and_fit_their_columns(part):
    tables = part("tables")
    for table in (tables.TELCO, tables.LARGE, tables.SEARCHES):
        assert len(table.strategies) == len(set(table.strategies)) == 10


def test_the_peer_of_the_tables_keeps_to_the_faster_spelling(part, small, monkeypatch):
    tables, asked = part("tables"), []

    def script(self, python, path, job, environ):
        asked.append((job["how"], "OMP_NUM_THREADS" in environ))
        return {"answer_s": 1.0 if job["how"] == "n_jobs=1" else 2.0, "f1": [], "how": job["how"]}

    small.smoke = False
    monkeypatch.setattr(type(small), "script", script)
    monkeypatch.setattr(part("environments"), "python_of", lambda name: "python")
    found = tables.run_peer(small, {}, None)
    assert (found["how"], found["seconds"]) == ("n_jobs=1", 1.0)
    assert asked == [("n_jobs=-1", False), ("n_jobs=1", False)]
    asked.clear()
    tables.run_peer(small, {}, "n_jobs=-1")
    assert asked == [("n_jobs=-1", False)]


def test_without_the_customers_the_rows_say_where_they_are_looked_for(bench, part, tmp_path):
    names = ["tables_telco_hgb", "tables_telco_lightgbm", "busy"]
    rows = bench.measure(part("sides").Bench(tmp_path), names)
    assert [(row.ok, row.ratio) for row in rows] == [(None, None)] * 3
    assert all("IMBENCH_DATA names no folder with csv/telco" in row.reason for row in rows)


def test_a_strategy_that_does_not_fit_fails_the_row(part, small, monkeypatch):
    cell = SimpleNamespace(label="smote", status="skipped", folds=())
    tables = part("tables")
    monkeypatch.setattr(tables, "imbench", lambda *a, **k: SimpleNamespace(seconds=1.0))
    monkeypatch.setattr(tables, "cells_of", lambda results: [cell])
    with pytest.raises(part("outcome").Failed, match="not ok: smote, none"):
        tables.run_ours(small, "x", [], ["smote", "none"], 0)


def test_the_net_alone_is_the_net_in_the_stack(smoke):
    (row,) = [r for r in smoke["rows"] if r["name"] == "gpu_stack"]
    assert row["f1_ours"] == pytest.approx(row["f1_peer"], abs=0.02)


def planted(f1, seconds=100.0):
    """A peer that needs very long, and has learnt what it is told."""

    def peer(self, environment, script, job):
        with np.load(job["data"]) as content:
            n_folds = sum(name.startswith("train_") for name in content)
        return {"seconds": seconds, "f1": f1(n_folds, job), "how": "n_jobs=1"}

    return peer


def small_folds(nets, small):
    return nets.ROWS[(nets.FOLDS, nets.FOLDS_SPREAD)](small)


def test_the_plain_peer_is_judged_and_its_fastest_way_informs(part, small, monkeypatch):
    asked = []

    def peer(self, environment, script, job):
        asked.append(job["how"])
        return {"seconds": 1.0, "f1": small.ours(job)["f1"], "how": job["how"] or "n_jobs=2"}

    monkeypatch.setattr(type(small), "peer", peer)
    plain, spread = small_folds(part("nets"), small)
    assert asked == ["n_jobs=1", "n_jobs=1", None, "n_jobs=2"]
    assert (plain.reach, spread.reach, spread.ok) == (15, None, None)
    assert "peer with n_jobs=1" in plain.conditions
    assert "peer with n_jobs=2" in spread.conditions


def test_a_row_with_a_wrong_f1_is_not_ok_however_fast(part, small, monkeypatch):
    monkeypatch.setattr(type(small), "peer", planted(lambda n, job: [0.05] * n))
    row, _ = small_folds(part("nets"), small)
    assert row.ratio > row.reach
    assert row.ok is False
    assert "macro F1 differs" in row.reason


def test_a_row_with_the_same_f1_is_ok_if_it_is_fast_enough(part, small, monkeypatch):
    same = lambda n, job: small.ours(job)["f1"]  # noqa: E731
    monkeypatch.setattr(type(small), "peer", planted(same))
    row, _ = small_folds(part("nets"), small)
    assert (row.ok, row.reason) == (True, "")
    assert row.f1_ours == row.f1_peer
    assert row.n_pairs == 2
    monkeypatch.setattr(type(small), "peer", planted(same, seconds=1e-6))
    row, _ = small_folds(part("nets"), small)
    assert row.ok is False
    assert "is not at least 15 x" in row.reason


def test_a_row_with_too_few_folds_is_not_ok(part, small, monkeypatch):
    monkeypatch.setattr(type(small), "peer", planted(lambda n, job: [0.9] * (n - 1)))
    row, _ = small_folds(part("nets"), small)
    assert row.ok is False
    assert "5 and 4 folds" in row.reason


def test_the_rule_of_equal_f1(part):
    outcome = part("outcome")

    def problem(ours, peer):
        return outcome.f1_problem([outcome.Pair(1.0, ours_f1=ours, peer_f1=peer)])

    assert problem([0.9, 0.8], [0.91, 0.82]) == ""
    assert "+0.030" in problem([0.93, 0.83], [0.9, 0.8])  # no noise explains it
    assert problem([0.95, 0.75], [0.9, 0.74]) == ""  # mean +0.03, deviation 0.028
    assert "not a number" in problem([0.9, math.nan], [0.9, 0.9])
    assert problem([], []) == ""
    assert "differs by -0.100" in problem([0.8], [0.9])


def test_at_most_rows_are_bounded_from_above(part):
    outcome = part("outcome")
    aim = outcome.Aim("x", "", 2.0, at_most=True)
    assert outcome.judge(aim, [outcome.Pair(1.5)], "").ok is True
    assert outcome.judge(aim, [outcome.Pair(2.5)], "").ok is False
    assert outcome.judge(aim, [outcome.Pair(r) for r in (1.0, 1.9, 9.0)], "").ratio == 1.9
    assert outcome.judge(outcome.Aim("y", ""), [outcome.Pair(1.5)], "").ok is None


def test_operations_of_the_floor_are_those_that_pytorch_counts(part):
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    nets = part("nets")
    net = nets.Net(hidden=16, epochs=3)
    model = torch.nn.Sequential(torch.nn.Linear(30, 16), torch.nn.ReLU(), torch.nn.Linear(16, 4))
    with FlopCounterMode(display=False) as pixels:
        model(torch.rand(50, 30)).sum().backward()
    with FlopCounterMode(display=False) as inputs:
        model(torch.rand(50, 30, requires_grad=True)).sum().backward()
    six, needed = nets.n_operations(net, 50, 30, 4)
    assert six == 3 * inputs.get_total_flops()
    assert needed == 3 * pixels.get_total_flops()
    # 10,734 images, five folds: about half a second at 216 GFLOP/s.
    six, _ = nets.n_operations(nets.LARGE, 4 * 10_734, 784, 10)
    assert six / 216e9 == pytest.approx(0.485, abs=0.001)


def test_the_floor_is_the_operations_at_the_measured_peak(smoke):
    (row,) = [r for r in smoke["rows"] if r["name"] == "mnist_floor"]
    more = row["more"]
    assert row["peer_s"] == pytest.approx(more["gflop_six"] / more["peak_gflops"])
    assert row["ratio"] == pytest.approx(row["ours_s"] / row["peer_s"])
    assert more["ratio_needed"] > row["ratio"]


def test_pairs_take_turns_and_a_peer_keeps_to_its_faster_way(part, small):
    calls = []

    def side(name):
        return lambda seed: calls.append((name, seed))

    small.n_pairs = 3
    small.in_turns(side("ours"), side("peer"), 5)
    assert [name for name, _ in calls] == ["ours", "peer", "peer", "ours", "ours", "peer"]
    assert [seed for _, seed in calls] == [1000, 1000, 1001, 1001, 1002, 1002]

    told = []

    def peer(seed, how):
        told.append(how)
        return {"how": "n_jobs=2"}

    measure = part("sides").fastest_first(peer)
    measure(0), measure(1)
    assert told == [None, "n_jobs=2"]


def test_a_peer_that_fails_is_a_sentence(part, small, tmp_path):
    script = tmp_path / "broken.py"
    script.write_text("raise ValueError('no such thing')")
    with pytest.raises(part("outcome").NotMeasured, match=r"broken\.py ended .*no such thing"):
        small.script(sys.executable, script, {})


def test_if_our_side_fails_the_row_is_not_ok(bench, part, tmp_path, monkeypatch):
    monkeypatch.setattr(part("ours"), "__file__", str(tmp_path / "nothing.py"))
    (row,) = bench.measure(part("sides").Bench(tmp_path, n_pairs=1), ["bagging"])
    assert (row.ok, row.ratio) == (False, None)
    assert "nothing.py ended with an error" in row.reason


def test_the_interpreter_of_the_peers_can_be_given(part, tmp_path, monkeypatch):
    python_of = part("environments").python_of
    monkeypatch.setenv("IMBENCH_BENCH", str(tmp_path))
    with pytest.raises(part("outcome").NotMeasured, match="bench_peers_imbens"):
        python_of("imbens", make=False)
    monkeypatch.setenv("IMBENCH_BENCH_PYTHON", sys.executable)
    assert str(python_of("imbens", make=False)) == sys.executable


def test_without_images_the_rows_say_where_they_are_looked_for(bench, part, tmp_path, monkeypatch):
    for folder, word in ((None, "set IMBENCH_DATA"), (tmp_path, "MNIST")):
        rows = bench.measure(
            part("sides").Bench(tmp_path, folder), ["mnist_folds", "mnist_floor", "mnist_command"]
        )
        assert [row.ok for row in rows] == [None] * 3
        assert all(row.reason.startswith("not measured: ") and word in row.reason for row in rows)


def test_gpu_rows_say_that_there_is_none(bench, part, tmp_path, monkeypatch):
    import torch

    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    rows = bench.measure(part("sides").Bench(tmp_path), ["gpu_stack", "gpu_folds"])
    assert [row.reason for row in rows] == ["not measured: no CUDA device."] * 2
    assert [row.ok for row in rows] == [None, None]


def test_an_interruption_keeps_the_rows_that_are_there(bench, part, tmp_path, monkeypatch):
    def stop(bench):
        raise KeyboardInterrupt

    outcome = part("outcome")
    aims = outcome.Aim("one", "", 1.0), outcome.Aim("two", "")
    rows = {aims[:1]: lambda bench: [outcome.judge(aims[0], [outcome.Pair(2.0)], "")]}
    monkeypatch.setattr(bench, "ROWS", {**rows, aims[1:]: stop})
    path = tmp_path / "rows.json"
    with pytest.raises(KeyboardInterrupt):
        bench.main(["--json", str(path)])
    (row,) = json.loads(path.read_text())["rows"]
    assert (row["name"], row["ratio"], row["ok"]) == ("one", 2.0, True)


def test_scale_is_a_command_of_its_own(bench, monkeypatch):
    seen = []
    monkeypatch.setattr(bench.scale, "main", lambda words: seen.append(words) or 0)
    assert bench.main(["scale", "--rows", "1000"]) == 0
    assert seen == [["--rows", "1000"]]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--rows", "fold"], "did you mean 'folds'?"),
        (["--pairs", "0"], "must be at least 1"),
        (["--doc", "--smoke"], "leave --rows and --smoke out"),
    ],
)
def test_a_wrong_command_line_is_a_sentence(bench, capsys, words, said):
    with pytest.raises(SystemExit) as error:
        bench.main(words)
    assert error.value.code == 2
    assert said in capsys.readouterr().err


def test_the_list_shows_names_and_reaches(bench, capsys):
    assert bench.main(["--list"]) == 0
    out = capsys.readouterr().out
    assert all(name in out for name in bench.names())
    assert "<= 0.8 x" in out
    assert ">= 35 x" in out


def test_the_table_goes_between_the_marks_of_the_page(part, smoke, page_rows, tmp_path):
    page = part("page")
    copy = tmp_path / "performance.md"
    copy.write_text(page.PAGE.read_text(encoding="utf-8"), encoding="utf-8")
    for _ in range(2):
        page.write_page(page_rows, smoke["machine"], copy)
    text = copy.read_text(encoding="utf-8")
    assert text.count(page.BEGIN) == text.count(page.END) == 1
    assert text.count("| overhead |") == 1
    assert smoke["machine"] in text
    copy.write_text("no marks")
    with pytest.raises(page.PageError, match="put the two marks back"):
        page.write_page(smoke["rows"], smoke["machine"], copy)


def test_stored_rows_are_joined_and_the_later_file_wins(
    bench, part, page_rows, tmp_path, monkeypatch
):
    page = part("page")
    copy = tmp_path / "performance.md"
    copy.write_text(f"{page.BEGIN}{page.END}", encoding="utf-8")
    monkeypatch.setattr(page.write_page, "__defaults__", (copy,))
    paths = [tmp_path / "cpu.json", tmp_path / "gpu.json"]
    later = [{**r, "ratio": 123.0, "ratios": [123.0]} for r in page_rows if "gpu" in r["name"]]
    page.save(paths[0], page_rows, "one machine")
    page.save(paths[1], later, "another machine")
    words = ["--from", *map(str, paths), "--doc"]
    assert bench.main(words) == 1  # the smoke run has reached nothing
    text = copy.read_text(encoding="utf-8")
    assert text.count("123.00 x") == 2
    assert "on one machine; and another machine." in text
    with pytest.raises(SystemExit):
        bench.main(["--from", str(paths[1]), "--doc"])  # a page without most of its rows
    paths[0].write_text("[]")
    with pytest.raises(SystemExit):
        bench.main(["--from", str(paths[0])])


def test_the_page_holds_every_row(bench, part):
    text = part("page").PAGE.read_text(encoding="utf-8")
    assert [name for name in bench.names() if f"| {name} |" not in text] == []


@pytest.mark.slow
def test_peers_learn_what_we_learn(bench, part, tmp_path):
    outcome, environments = part("outcome"), part("environments")
    try:
        for name in environments.REQUIREMENTS:
            environments.python_of(name, make=False)
    except outcome.NotMeasured as reason:
        pytest.skip(f"{reason} `python scripts/bench.py` makes it.")
    names = ["folds", *(name for name in bench.names() if name.startswith("ensemble_"))]
    rows = bench.measure(part("sides").Bench(tmp_path, n_pairs=1, smoke=True), names)
    for row in rows:
        assert row.ratio is not None, row.reason
        # 120 rows: what is compared is the plumbing.
        assert row.f1_ours == pytest.approx(row.f1_peer, abs=0.3), row
