"""Repeats: what they add to, when they stop, what a budget leaves."""

import dataclasses
import time
from dataclasses import replace

import numpy as np
import pytest

from imbench.api.looks import judge_by
from imbench.components.hashing import run_id_of
from imbench.config.budget import parse_budget
from imbench.config.identity import identity_of
from imbench.config.parse import Draft
from imbench.data.splits import AUTO, LOOKS, Holdout, OfficialTest, RepeatedKFold
from imbench.errors import ConfigError
from imbench.report.statistics import verdict
from imbench.results.fold import BUDGET, CellKey, CellResult, cell_result
from imbench.results.metric_options import metric_options
from imbench.results.run_ids import cell_id
from imbench.results.store import Store
from imbench.run import folds as folds_module
from imbench.run import rounds as rounds_module
from imbench.run.budget import Budget, Spent
from imbench.run.rounds import ALONE, Rounds
from tests.cells import Composer
from tests.factories import make_fold

SMALL = ("dataset=synthetic", "dataset.n_rows=80", "model=knn")


def config_of(*words):
    (config,) = Composer(None).cells([*SMALL, *words], multirun=False)
    return config


def outline(*words):
    return Draft(config_of(*words), Composer(None).folders).outline


def test_the_looks_are_those_that_the_level_is_spent_on():
    assert tuple(verdict.LOOKS) == LOOKS


class TestIdentity:
    @pytest.mark.parametrize(
        "words",
        [
            ("splits.n_repeats=1",),
            ("splits.n_repeats=7",),
            ("splits.n_repeats=auto", "budget=10m"),
        ],
    )
    def test_the_number_of_repeats_is_no_part_of_it(self, words):
        assert identity_of(config_of(*words)) == identity_of(config_of())
        assert "n_repeats" not in identity_of(config_of(*words))["splits"]

    @pytest.mark.parametrize("kind", ["holdout", "official"])
    def test_nor_is_the_number_of_seeds(self, kind):
        one, many = (config_of(f"splits={kind}", f"splits.n_seeds={n}") for n in (1, 5))
        assert identity_of(one) == identity_of(many)

    def test_a_splitter_of_someone_else_may_mean_something_else_by_it(self):
        config = {**config_of(), "splits": {"_target_": "mine.Splits", "n_repeats": 3}}
        assert identity_of(config)["splits"]["n_repeats"] == 3

    @pytest.mark.parametrize("kind", ["kfold", "holdout"])
    def test_cells_with_one_repeat_keep_the_run_id_of_older_versions(self, kind):
        identity = dict(identity_of(config_of(f"splits={kind}")))
        before = {**identity, "splits": {**identity["splits"], "n_repeats": 1}}
        assert cell_id(identity) == run_id_of(before)
        assert outline(f"splits={kind}").key("d", None).run_id == run_id_of(before)


def key_of(n_folds, n_splits=2, **changes):
    config = {"splits": {"_target_": "imbench.splits.RepeatedKFold", "n_splits": n_splits}}
    return CellKey(cell_id(config), "digits", "knn", "none", (), n_folds, config, **changes)


def former(n_repeats):
    """The key of the same cell, as older versions made it."""
    key = key_of(2 * n_repeats)
    config = {"splits": {**key.config["splits"], "n_repeats": n_repeats}}
    return replace(key, run_id=run_id_of(config), config=config)


def fill(store, key, places):
    store.write_cell(key)
    for repeat, fold in places:
        store.write_fold(
            key, make_fold(10 * repeat + fold, repeat=repeat, fold=fold, run_id=key.run_id)
        )


def places_of(cell):
    return [(fold.repeat, fold.fold) for fold in cell.folds]


class TestStore:
    def description(self, store, key):
        (cell,) = store.read_cells()
        return cell.n_folds, cell.sequential, cell.stopped

    def test_the_largest_request_is_described(self, tmp_path):
        store = Store(tmp_path)
        for n_folds, expected in ((2, 2), (6, 6), (4, 6)):
            store.write_cell(key_of(n_folds))
            assert self.description(store, key_of(2)) == (expected, False, "")

    def test_the_same_request_again_leaves_why_the_cell_stopped(self, tmp_path):
        store = Store(tmp_path)
        told = key_of(6, sequential=True, stopped="told after 3 repeats")
        store.write_cell(told)
        for again in (key_of(6), key_of(2, sequential=True, stopped="told after 1 repeat"), told):
            store.write_cell(again)
            assert self.description(store, told) == (6, True, "told after 3 repeats")
        store.write_cell(key_of(20))
        assert self.description(store, told) == (20, False, "")

    def test_a_budget_is_forgotten_once_there_is_another(self, tmp_path):
        store = Store(tmp_path)
        store.write_cell(key_of(6, stopped=BUDGET))
        store.write_cell(key_of(6))
        assert self.description(store, key_of(6)) == (6, False, "")

    def test_folds_of_the_former_cell_with_more_repeats_are_found(self, tmp_path):
        fill(
            Store(tmp_path), former(3), former_places := [(r, f) for r in range(3) for f in (0, 1)]
        )
        store = Store(tmp_path)
        fold = store.read_fold(key_of(2), 2, 1)
        assert (fold.repeat, fold.fold, fold.run_id) == (2, 1, key_of(2).run_id)
        assert store.read_fold(key_of(2), 3, 0) is None
        (cell,) = store.read_cells()
        assert places_of(cell) == former_places
        assert cell.key == key_of(6)

    def test_former_and_present_folds_are_one_cell(self, tmp_path):
        fill(Store(tmp_path), former(2), [(0, 0), (0, 1), (1, 0), (1, 1)])
        fill(Store(tmp_path), former(3), [(0, 0), (0, 1)])
        fill(Store(tmp_path), key_of(6), [(2, 0), (2, 1)])
        store = Store(tmp_path)
        (cell,) = store.read_cells()
        assert places_of(cell) == [(r, f) for r in range(3) for f in (0, 1)]
        assert {fold.run_id for fold in cell.folds} == {cell.run_id} == {key_of(6).run_id}
        (again,) = store.read_cell(cell.key.folder)
        assert places_of(again) == places_of(cell)
        assert again.key == cell.key

    def test_a_cell_with_as_many_repeats_as_nobody_expects_is_found_by_who_asks(self, tmp_path):
        fill(Store(tmp_path), former(33), [(32, 1)])
        assert Store(tmp_path).read_fold(key_of(2), 32, 1) is None
        assert Store(tmp_path).read_fold(key_of(66), 32, 1) is not None
        (cell,) = Store(tmp_path).read_cells()
        assert cell.run_id == key_of(2).run_id

    def test_a_failed_fold_gives_way_to_a_finished_one(self, tmp_path):
        store = Store(tmp_path)
        fill(store, key_of(2), [])
        failed = make_fold(0, status="failed", reason="it broke.", run_id=key_of(2).run_id)
        store.write_fold(key_of(2), failed)
        fill(store, former(2), [(0, 0)])
        (cell,) = store.read_cells()
        assert cell.status == "ok"

    def test_the_whole_of_a_cell_of_which_less_was_asked_for(self, tmp_path):
        store = Store(tmp_path)
        fill(store, key_of(4), [(0, 0), (0, 1), (1, 0), (1, 1)])
        (stored,) = store.read_cells()
        asked = cell_result(key_of(2), list(stored.folds[:2]))
        assert places_of(store.whole(asked)) == places_of(stored)
        assert store.whole(stored) is stored
        unknown = replace(asked, run_id="1" * 16)
        assert store.whole(unknown) is unknown


@pytest.mark.parametrize(
    ("n", "size", "together", "expected"),
    [
        (15, 128, {}, [15]),
        (15, 4, {}, [4, 4, 4, 3]),
        (15, 128, dict.fromkeys(range(5), 5), [5, 10]),  # one repeat was stored before
        (15, 128, dict.fromkeys(range(3), 15), [15]),  # a stack that was killed while stored
        (15, 128, dict.fromkeys(range(5), 5) | {5: 10, 7: 10}, [5, 10]),
        (15, 128, dict.fromkeys((1, 2, 3, 4), 5), [5, 10]),  # the first fold is damaged
        (15, 128, dict.fromkeys((6, 7), 2), [6, 2, 7]),
        (3, 1, dict.fromkeys(range(3), 3), [1, 1, 1]),  # a model that trains one by one
    ],
)
def test_stacks_are_those_that_stored_folds_were_fitted_in(n, size, together, expected):
    parts = list(folds_module._parts(n, size, together))
    assert [len(part) for part in parts] == expected
    assert [i for part in parts for i in part] == list(range(n))


def finished(label, skill=1.5, n_repeats=1, n_folds=5, n=120, **changes):
    """A cell whose folds are paired with those of others: the labels depend on the place alone."""
    ids = {"run_id": label, "dataset": "toy", "model": "knn", "label": label}
    folds = tuple(
        make_fold(100 * r + f, n=n, skill=skill, repeat=r, fold=f, **ids)
        for r in range(n_repeats)
        for f in range(n_folds)
    )
    cell = CellResult(
        **ids, stages=(), status="ok", reason="", n_folds=len(folds), config={}, folds=folds,
        sequential=True,
    )  # fmt: skip
    return replace(cell, **changes)


def shuffled(label, skill):
    """A cell with as many errors in each fold and class as another, in other rows."""
    cell = finished(label, skill)
    folds = []
    for i, fold in enumerate(cell.folds):
        order = np.arange(len(fold.y_true))
        for k in (0, 1):
            rows = np.flatnonzero(fold.y_true == k)
            order[rows] = np.random.default_rng(i).permutation(rows)
        folds.append(replace(fold, y_pred=fold.y_pred[order], y_score=fold.y_score[order]))
    return replace(cell, folds=tuple(folds))


class TestJudge:
    judge = staticmethod(judge_by(metric_options({"sort": "f1_macro", "columns": []}), "none"))

    def test_a_large_gain_is_told_at_the_first_look(self):
        reasons = self.judge([finished("none", 1.0), finished("better", 4.0)])
        assert reasons == {
            "better": "told after 1 repeat",
            "none": "others stopped after 1 repeat",
        }

    def test_what_others_are_compared_with_goes_on_for_what_is_open(self):
        cells = [finished("none", 1.0), finished("threshold", 1.1), finished("better", 1.1)]
        assert set(self.judge(cells)) == {"none", "threshold", "better"}
        assert set(self.judge([*cells, shuffled("open", 1.0)])) == {"better"}
        cells += [finished("inverse_weights", 1.15)]  # the best trivial remedy
        assert set(self.judge([*cells, shuffled("open", 1.0)])) == {"better"}

    def test_what_lies_below_the_worst_fold_of_the_best_is_hopeless(self):
        cells = [finished("none", 1.0), shuffled("open", 1.0)]
        assert "open" not in self.judge(cells)
        reasons = self.judge([*cells, finished("best", 6.0)])
        assert reasons["open"] == "hopeless after 1 repeat"

    @pytest.mark.parametrize("labels", [("none",), ("smote", "focal")])
    def test_one_cell_or_no_baseline_is_nothing_to_compare_with(self, labels):
        reasons = self.judge([finished(label) for label in labels])
        assert reasons == dict.fromkeys(labels, ALONE)

    def test_blocks_are_judged_apart(self):
        alone = finished("lonely", dataset="other")
        reasons = self.judge([finished("none", 1.0), finished("better", 4.0), alone])
        assert reasons["lonely"] == ALONE
        assert reasons["better"] == "told after 1 repeat"


class Quiet:
    """Stands in for the progress bar."""

    def round_starts(self, n_new):
        assert all(n >= 0 for n in n_new.values())

    def cell_starts(self, index):
        pass

    def cell_ends(self, index):
        pass


class Fake:
    """Stands in for the runner: which cells ran with how many folds, and how long a fold takes."""

    def __init__(self, fit_s=0.01, budget=None, n_fits=1):
        self.ran = []
        self.fit_s, self.budget, self.n_fits = fit_s, budget, n_fits

    def __call__(self, wanted):
        for cell in wanted.values():
            key = cell.key("synthetic", "f")
            self.ran.append((cell.label, key.n_folds, key.sequential))
            folds = []
            for r, f in cell.splitter.places:
                folds.append(make_fold(r, repeat=r, fold=f, fit_s=self.fit_s, run_id=key.run_id))
                if self.budget is not None:
                    self.budget.spend(folds[-1])
            yield cell_result(key, folds)


def rounds_of(tmp_path, outlines, run, judge, budget=None):
    return Rounds(outlines, Store(tmp_path), run, judge, Quiet(), budget)


def told(reasons):
    """A judge that gives reasons by label and number of folds."""
    return lambda cells: {
        c.run_id: reasons[c.label, len(c.folds)]
        for c in cells
        if (c.label, len(c.folds)) in reasons
    }


NAMES = ("none", "smote", "threshold")


def outlines_of(*words):
    return [outline(f"strategy={name}", *words) for name in NAMES]


class TestRounds:
    def test_what_is_told_stops_and_the_others_go_on(self, tmp_path):
        run = Fake()
        judge = told(
            {("smote", 5): "told after 1 repeat", ("none", 15): "x", ("threshold", 15): "y"}
        )
        found = dict(rounds_of(tmp_path, outlines_of(), run, judge))
        assert run.ran == [
            ("none", 5, False), ("smote", 5, False), ("threshold", 5, False),
            ("none", 15, True), ("threshold", 15, True),
        ]  # fmt: skip
        assert [(found[i].stopped, len(found[i].folds)) for i in range(3)] == [
            ("x", 15), ("told after 1 repeat", 5), ("y", 15),
        ]  # fmt: skip
        assert all(cell.sequential for cell in found.values())
        stored = {cell.label: cell for cell in Store(tmp_path).read_cells()}
        assert {k: (c.n_folds, c.stopped) for k, c in stored.items()} == {
            "none": (15, "x"), "smote": (5, "told after 1 repeat"), "threshold": (15, "y"),
        }  # fmt: skip

    def test_the_last_look_ends_with_ten_repeats(self, tmp_path):
        run = Fake()
        found = dict(rounds_of(tmp_path, outlines_of(), run, told({})))
        assert [n for _, n, _ in run.ran] == [5] * 3 + [15] * 3 + [50] * 3
        assert {cell.stopped for cell in found.values()} == {"10 repeats"}

    def test_a_number_of_repeats_is_one_round_and_no_look(self, tmp_path):
        run = Fake()
        judge = lambda cells: pytest.fail("was judged")  # noqa: E731
        found = dict(rounds_of(tmp_path, outlines_of("splits.n_repeats=4"), run, judge))
        assert [n for _, n, _ in run.ran] == [20] * 3
        assert not any(cell.sequential or cell.stopped for cell in found.values())

    def test_alone_there_is_no_look_that_spends_a_level(self, tmp_path):
        rounds = rounds_of(tmp_path, outlines_of(), Fake(), lambda cells: _all(cells, ALONE))
        found = dict(rounds)
        assert {(c.sequential, c.stopped, c.n_folds) for c in found.values()} == {(False, ALONE, 5)}
        assert any("splits.n_repeats=3" in note for note in rounds.notes)

    def test_what_would_take_too_long_stays_and_says_how_to_get_more(self, tmp_path):
        run = Fake(fit_s=100.0)
        judge = lambda cells: pytest.fail("was judged") if cells else {}  # noqa: E731
        rounds = rounds_of(tmp_path, outlines_of(), run, judge)
        found = dict(rounds)
        assert [n for _, n, _ in run.ran] == [5] * 3
        assert {c.sequential for c in found.values()} == {False}
        (note,) = rounds.notes
        assert "1 repeat, as 3 would take about 51m more: splits.n_repeats=3" in note

    def test_the_next_look_may_be_the_one_that_takes_too_long(self, tmp_path):
        run = Fake(fit_s=10.0)  # 300 s for three repeats, 1,050 s more for ten
        found = dict(rounds_of(tmp_path, outlines_of(), run, told({("smote", 15): "told"})))
        assert [n for _, n, _ in run.ran] == [5] * 3 + [15] * 3
        assert found[1].stopped == "told"
        assert found[0].stopped == "10 repeats take about 18m"
        assert all(cell.sequential for cell in found.values())

    def test_with_a_budget_the_time_is_no_reason_to_stay(self, tmp_path):
        budget = Budget(parse_budget("fits=1e9"))
        run = Fake(fit_s=100.0, budget=budget)
        found = dict(rounds_of(tmp_path, outlines_of(), run, told({}), budget))
        assert {len(cell.folds) for cell in found.values()} == {50}

    def test_a_budget_gives_every_cell_its_turn(self, tmp_path):
        budget = Budget(parse_budget("fits=18"))
        run = Fake(budget=budget)
        cells = outlines_of("splits.n_repeats=5")
        rounds = rounds_of(tmp_path, cells, run, told({}), budget)
        found = dict(rounds)
        assert [n for _, n, _ in run.ran] == [5, 5, 5, 15]
        assert rounds.is_spent
        assert {c.stopped for c in found.values()} == {BUDGET}
        assert {len(c.folds) for c in found.values()} == {5}  # the fake stores no fold on its way

    def test_a_failed_cell_is_final(self, tmp_path):
        def run(wanted):
            for cell in Fake()(wanted):
                yield replace(cell, status="failed") if cell.label == "smote" else cell

        found = dict(rounds_of(tmp_path, outlines_of(), run, told({})))
        assert found[1].status == "failed"
        assert len(found[1].folds) == 5
        assert len(found[0].folds) == 50


def _all(cells, reason):
    return {cell.run_id: reason for cell in cells}


@pytest.mark.parametrize(
    ("seconds", "words"), [(61, "2m"), (600, "10m"), (5941, "1.7h"), (36000, "10.0h")]
)
def test_a_duration_is_written_as_a_budget_that_can_be_read(seconds, words):
    text = rounds_module._duration(seconds)
    assert text == words
    assert parse_budget(text).amount == pytest.approx(seconds, rel=1)


class TestBudget:
    @pytest.mark.parametrize(
        ("text", "amount", "of"),
        [
            ("90s", 90, "seconds"),
            ("10m", 600, "seconds"),
            ("2h", 7200, "seconds"),
            ("1.5 h", 5400, "seconds"),
            ("fits=200", 200, "fits"),
            ("200fits", 200, "fits"),
            ("rows=1e6", 1e6, "rows"),
        ],
    )
    def test_units(self, text, amount, of):
        limit = parse_budget(text)
        assert (limit.amount, limit.of, limit.text) == (amount, of, text)

    def test_null_is_no_budget(self):
        assert parse_budget(None) is None

    @pytest.mark.parametrize(
        "text",
        ["10x", "m", "", "ten minutes", "1.2.3m", "fits=3m", "-5m", "0s", 600, True, "1e999h"],
    )
    def test_a_wrong_value_is_a_sentence_with_a_fix_that_works(self, text):
        with pytest.raises(ConfigError) as caught:
            parse_budget(text)
        sentence = str(caught.value)
        assert sentence.startswith(f"budget={text}")
        assert sentence.endswith(".")
        fixes = [w.strip(",.:;") for w in sentence.split()[1:] if w.startswith("budget=")]
        for fix in fixes:
            assert parse_budget(fix.removeprefix("budget=")) is not None

    def test_fits_and_rows_are_counted_with_those_of_tuning(self):
        budget = Budget(parse_budget("fits=10"))
        budget.spend(make_fold(n_fits=3, n_tuning_fits=4, n_train=100))
        assert (budget.n_fits, budget.n_rows) == (7, 700)
        with pytest.raises(Spent):
            budget.spend(make_fold(n_fits=3))
        with pytest.raises(Spent), budget.watching():
            pytest.fail("nothing is begun after that")

    def test_a_time_ends_inside_of_a_fold(self):
        budget = Budget(parse_budget("0.2s"))
        started = time.monotonic()
        assert not issubclass(Spent, Exception)  # a fold would take it for a failure of its own
        with pytest.raises(Spent), budget.watching():
            time.sleep(30)
        assert time.monotonic() - started < 10

    def test_what_ends_in_time_is_left_alone(self):
        budget = Budget(parse_budget("0.3s"))
        with budget.watching():
            pass
        time.sleep(0.5)  # no signal comes any more


def test_splitters_say_how_often_they_repeat():
    from imbench.data.splits import repeats_of

    assert repeats_of(RepeatedKFold(n_repeats=AUTO)) == AUTO
    assert repeats_of(Holdout(n_repeats=2)) == 2
    assert repeats_of(OfficialTest()) is None


def test_a_key_is_what_a_cell_holds_of_it():
    key = key_of(4, sequential=True, stopped="x")
    assert cell_result(key, []).key == key
    assert {f.name for f in dataclasses.fields(CellKey)} <= {
        f.name for f in dataclasses.fields(CellResult)
    }
