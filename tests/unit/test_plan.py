"""Plans: how folds are divided, what a worker runs, what is left."""

from functools import cache

import pytest

from imbench.api import plan as plan_module
from imbench.api.plan import INDICES, Work, index_of, make_plan, worker_words
from imbench.errors import ConfigError
from imbench.results.store import Store
from imbench.run.plan import Entry, Piece, Plan, balanced
from imbench.run.plan_status import status_of
from tests.factories import make_fold

WORDS = ("dataset=synthetic", "dataset.n_rows=80", "splits.n_splits=2", "splits.n_repeats=2")


@cache
def planned(*words, chunks=2):
    return make_plan([*WORDS, *words], None, chunks)[0]


def numbers(plan):
    """Return the chunks of each cell's folds."""
    found = {}
    for (i, place), chunk in sorted(plan.chunk_of().items()):
        found.setdefault(plan.cells[i].label, {})[place] = chunk
    return found


class TestBalance:
    @pytest.mark.parametrize("n_chunks", [1, 2, 3, 7, 40])
    def test_every_fold_is_in_one_chunk(self, n_chunks):
        pieces = [Piece([(i, (0, f))], 1 + i) for i in range(5) for f in range(6)]
        chunks = balanced(pieces, n_chunks)
        found = [(i, place) for chunk in chunks for i, ps in chunk.items() for place in ps]
        assert len(chunks) == n_chunks
        assert sorted(found) == sorted(fold for piece in pieces for fold in piece.folds)

    def test_equal_work_is_dealt_in_turn_so_that_slow_strategies_are_spread(self):
        chunks = balanced([Piece([(i, (0, f))], 1.0) for i in range(3) for f in range(4)], 4)
        assert [{i: len(p) for i, p in chunk.items()} for chunk in chunks] == [
            {0: 1, 1: 1, 2: 1}
        ] * 4

    def test_no_chunk_has_more_than_a_third_above_the_mean_and_the_largest_piece(self):
        work = [5, 5, 4, 4, 3, 3, 3]
        chunks = balanced([Piece([(i, (0, 0))], w) for i, w in enumerate(work)], 3)
        assert max(sum(work[i] for i in chunk) for chunk in chunks) <= 4 / 3 * 9

    def test_large_pieces_come_first(self):
        chunks = balanced([Piece([(i, (0, 0))], w) for i, w in enumerate([1, 1, 1, 3])], 2)
        assert [sorted(chunk) for chunk in chunks] == [[3], [0, 1, 2]]


class TestPlan:
    def test_folds_that_share_their_scores_stay_together(self):
        found = numbers(planned("model=knn", "strategy=none,threshold,smote,[smote,threshold]"))
        assert found["none"] == found["threshold"]
        assert found["smote"] == found["smote+threshold"]
        assert set(found["none"].values()) == {0, 1}

    def test_folds_of_nets_stay_together(self):
        found = numbers(planned("model=mlp", "strategy=none,smote", chunks=2))
        assert sorted(set(places.values()) for places in found.values()) == [{0}, {1}]

    def test_tuned_folds_are_more_work(self):
        words = [*WORDS, "model=knn", "strategy=smote"]
        plain = make_plan(words, None, 1)[1]
        tuned = make_plan([*words, "tuning=optuna", "tuning.trials=2"], None, 1)[1]
        assert tuned[0] == plain[0] * (1 + 2 * 3)

    def test_a_sweep_with_a_refused_value_says_so_and_plans_the_others(self):
        words = ["model=knn", "strategy=threshold", "strategy.decision.threshold.cv=5,1"]
        plan = planned(*words)
        assert [bool(entry.reason) for entry in plan.cells] == [False, True]
        assert set(dict(plan.chunk_of())) == {(0, (r, f)) for r in range(2) for f in range(2)}

    def test_it_is_read_back_as_it_was(self, tmp_path):
        plan = planned("model=knn", "strategy=none,smote", chunks=3)
        plan.write(tmp_path / "plan.json")
        assert Plan.read(tmp_path / "plan.json") == plan

    def test_it_depends_on_its_words_alone(self):
        assert planned("model=knn") == planned("model=knn", "tracking=none", "output=json")

    @pytest.mark.parametrize("at", [0, 0.1, 0.5, 0.9, 1])
    def test_a_changed_one_is_refused(self, tmp_path, at):
        path = tmp_path / "plan.json"
        planned("model=knn").write(path)
        content = bytearray(path.read_bytes())
        content[int(at * (len(content) - 1))] ^= 1
        path.write_bytes(content)
        with pytest.raises(ConfigError, match=r"again with `python -m imbench plan`\.$"):
            Plan.read(path)

    @pytest.mark.parametrize("content", [b"", b"[]", b"3", b"{}", b'{"sha256": "", "format": 1}'])
    def test_another_file_is_no_plan(self, tmp_path, content):
        (tmp_path / "plan.json").write_bytes(content)
        with pytest.raises(ConfigError, match="is no plan"):
            Plan.read(tmp_path / "plan.json")

    def test_another_schema_is_named(self, tmp_path):
        path = tmp_path / "plan.json"
        planned("model=knn").write(path)
        path.write_text(path.read_text().replace('"schema": 1', '"schema": 9'))
        with pytest.raises(ConfigError, match="has schema 9, this version reads 1"):
            Plan.read(path)

    @pytest.mark.parametrize(
        ("words", "chunks", "said"),
        [
            (["splits.n_repeats=auto"], 2, r"set a number, such as splits\.n_repeats=3\."),
            (["budget=10m"], 2, r"set budget=null\."),
            (
                ["tuning=optuna", "tuning.storage=postgresql://me:secret@host/studies"],
                2,
                r"://me:\*\*\*@host/studies: .* tuning\.storage='\$\{oc\.env:ADDRESS\}'\.$",
            ),
            ([], 0, "must be at least 1"),
            (["model=nothing"], 2, "there is no such model"),
            (["splits.n_splits=60"], 2, "60"),
        ],
    )
    def test_what_cannot_be_planned_is_one_sentence(self, words, chunks, said):
        with pytest.raises(ConfigError, match=said):
            planned("model=knn", *words, chunks=chunks)


class TestIndex:
    @pytest.mark.parametrize("name", INDICES)
    def test_it_is_read_from_the_scheduler(self, name):
        assert index_of(None, {name: "12"}) == (12, name)
        assert index_of(3, {name: "12"}) == (3, "")

    @pytest.mark.parametrize(
        ("environment", "said"),
        [
            ({}, "which chunk"),
            ({"SLURM_ARRAY_TASK_ID": "1", "JOB_COMPLETION_INDEX": "2"}, "disagree"),
            ({"SLURM_ARRAY_TASK_ID": "-1"}, "is no number from 0"),
            ({"PBS_ARRAY_INDEX": "x"}, "is no number from 0"),
        ],
    )
    def test_otherwise_the_sentence_says_how_to_give_it(self, environment, said):
        with pytest.raises(ConfigError, match=said):
            index_of(None, environment)

    def test_two_schedulers_may_agree(self):
        both = {"SLURM_ARRAY_TASK_ID": "1", "JOB_COMPLETION_INDEX": "1"}
        assert index_of(None, both)[0] == 1


class Bar:
    """A progress bar that is not drawn."""

    def round_starts(self, n_new): ...

    def cell_starts(self, index): ...

    def cell_ends(self, index): ...

    def fold_done(self, result, stored): ...


def work(plan, index, *words):
    return Work(plan, index, words, lambda line: None).run(Bar())


class TestWork:
    def test_places_and_processes_can_be_set_and_nothing_else(self):
        plan = planned("model=knn")
        assert worker_words(plan, ["n_jobs=1"])[:2] == ["results_dir=results", "n_jobs=1"]
        assert worker_words(plan, ["results_dir=x"])[0] == "results_dir=x"
        with pytest.raises(ConfigError, match="the plan says what is run"):
            worker_words(plan, ["seed=1"])

    @pytest.mark.parametrize("index", [-1, 2])
    def test_a_chunk_that_is_not_there_is_refused(self, index):
        with pytest.raises(ConfigError, match="the plan has chunks 0 to 1"):
            Work(planned("model=knn"), index, [], print)

    def test_other_data_than_the_plan_has_seen_are_refused(self, tmp_path, monkeypatch):
        table = tmp_path / "t.csv"
        rows = [f"{i},{i * i % 7},{'yes' if i % 4 == 0 else 'no'}" for i in range(40)]
        table.write_text("\n".join(["a,b,c", *rows]))
        words = ["dataset=table", f"dataset.path={table}", "dataset.target=c", "model=knn"]
        plan = make_plan([*words, *WORDS[2:], f"results_dir={tmp_path}"], None, 1)[0]
        table.write_text(table.read_text().replace("\n8,", "\n9,"))
        with pytest.raises(Exception, match="is no cell of the plan"):
            work(plan, 0)
        assert not list(tmp_path.rglob("r0-f0.json"))

    def test_other_yaml_files_that_make_more_cells_are_refused(self, tmp_path):
        plan = planned("model=knn", "strategy=none,smote", f"results_dir={tmp_path}", chunks=1)
        fewer = Plan(**vars(plan) | {"cells": plan.cells[:1], "chunks": ({0: ((0, 0),)},)})
        with pytest.raises(ConfigError, match="it makes 2 cells here"):
            Work(fewer, 0, [], print)


class TestStatus:
    cells = tuple(
        Entry(name * 4, "toy", "knn", name, f"toy-knn-{name}-{name * 4}", 2) for name in "abc"
    )
    plan = Plan((), None, "results", "0", cells, tuple(
        dict.fromkeys(range(3), ((0, f),)) for f in range(2)
    ))  # fmt: skip

    def store(self, folder, *folds):
        from imbench.results.fold import CellKey

        store = Store(folder)
        for i, f, status in folds:
            entry = self.cells[i]
            key = CellKey(entry.run_id, "toy", "knn", entry.label, (), 2, {})
            store.write_cell(key)
            reason = "" if status == "ok" else "it was too much."
            ids = {"run_id": entry.run_id, "dataset": "toy", "label": entry.label}
            store.write_fold(key, make_fold(fold=f, status=status, reason=reason, **ids))
        return store

    def test_nothing_is_there(self, tmp_path):
        status = status_of(self.plan, Store(tmp_path))
        assert (status.n_done, len(status.missing), status.chunks) == (0, 6, [0, 1])

    def test_a_skipped_cell_needs_no_further_fold_and_a_failed_one_is_tried_again(self, tmp_path):
        store = self.store(
            tmp_path, (0, 0, "ok"), (0, 1, "ok"), (1, 0, "skipped"), (2, 0, "ok"), (2, 1, "failed")
        )
        status = status_of(self.plan, store)
        assert (status.n_done, status.missing, status.chunks) == (5, [], [1])
        assert [(e.label, why) for e, why in status.failed] == [("c", "it was too much.")]
        assert not status.is_complete

    def test_a_damaged_fold_is_missing_and_named(self, tmp_path):
        folds = [(i, f, "ok") for i in range(3) for f in range(2)]
        store = self.store(tmp_path, *folds)
        assert status_of(self.plan, store).is_complete
        path = store.runs / self.cells[1].folder / "r0-f1.npz"
        path.write_bytes(path.read_bytes()[:-9])
        status = status_of(self.plan, store)
        assert [(e.label, place, chunk) for e, place, chunk in status.missing] == [("b", (0, 1), 1)]
        assert "r0-f1" in status.damaged[0]

    def test_folds_that_a_worker_has_claimed_are_counted(self, tmp_path):
        store = self.store(tmp_path, (0, 0, "ok"))
        (store.runs / self.cells[0].folder / "r0-f1.claim").write_text("")
        assert status_of(self.plan, store).n_claimed == 1

    def test_a_cell_that_cannot_run_is_failed_and_leaves_nothing_to_do(self, tmp_path):
        cell = Entry("0", "toy", "knn", "a", "toy-knn-a-0", 2, reason="no such file.")
        status = status_of(Plan((), None, "r", "0", (cell,), ({},)), Store(tmp_path))
        assert [why for _, why in status.failed] == ["no such file."]
        assert not status.is_complete
        assert status.chunks == []


def test_the_key_of_a_word_is_its_group():
    assert plan_module._key("+dataset/imbalance=none") == "dataset"
    assert plan_module._key("limits.timeout_s=3") == "limits"
