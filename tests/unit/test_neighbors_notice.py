"""A search that will take long is announced before it starts, once, with an estimate."""

import re

import numpy as np
import pytest
from imblearn.over_sampling import SMOTE
from imblearn.under_sampling import TomekLinks
from sklearn.base import clone

from imbench.pipeline.steps import CheckedSampler
from imbench.strategies.neighbors import notice as module
from imbench.strategies.neighbors.exact import ExactNeighbors
from imbench.strategies.neighbors.faiss_search import FaissNeighbors
from imbench.strategies.neighbors.notice import Notice, duration
from imbench.strategies.neighbors.torch_search import TorchNeighbors

KEY = "strategy.resample.x"


@pytest.fixture(autouse=True)
def _nothing_was_said():
    module._printed.cache_clear()
    yield
    module._printed.cache_clear()


@pytest.fixture
def clock(monkeypatch):
    """Seconds that pass only where a search takes them."""
    now = [0.0]
    monkeypatch.setattr(module.time, "perf_counter", lambda: now[0])
    return now


def search_of(clock, seconds_each, log):
    def search(queries):
        log.append(len(queries))
        clock[0] += seconds_each * len(queries)
        return "found"

    return search


def test_a_pilot_of_a_few_hundred_queries_gives_the_estimate(clock, capsys):
    log, notice = [], Notice(KEY, 10.0)
    found = notice.watch(search_of(clock, 0.01, log), np.zeros((4000, 30)), (100_000, 30))
    assert found == "found"
    assert log == [1, 256, 4000]  # one to warm up
    sentence = (
        f"{KEY} searches the nearest neighbours of 4,000 among 100,000 rows exactly, which takes "
        "about 40 s: neighbors=faiss is approximate and nearly linear."
    )
    assert notice.notes == [sentence]
    assert capsys.readouterr().err == f"imbench: {sentence}\n"


def test_the_announcement_comes_before_the_search(clock, capsys):
    said = []

    def search(queries):
        said.append(capsys.readouterr().err)
        clock[0] += len(queries)

    Notice(KEY, 10.0).watch(search, np.zeros((4000, 30)), (100_000, 30))
    assert KEY in said[2]


def test_a_search_that_is_surely_short_has_no_pilot_and_no_notice(clock, capsys):
    log, notice = [], Notice(KEY, 10.0)
    notice.watch(search_of(clock, 1e-5, log), np.zeros((1000, 30)), (1000, 30))
    assert log == [1000]
    assert notice.notes == []
    assert capsys.readouterr().err == ""


def test_a_search_that_the_pilot_shows_to_be_short_is_not_announced(clock):
    log, notice = [], Notice(KEY, 10.0)
    notice.watch(search_of(clock, 1e-5, log), np.zeros((10_000, 30)), (100_000, 30))
    assert log == [1, 256, 10_000]
    assert notice.notes == []


def test_many_short_searches_are_announced_when_they_have_taken_long(clock):
    log, notice = [], Notice(KEY, 10.0)
    for _ in range(15):
        notice.watch(search_of(clock, 1.0, log), np.zeros((1, 30)), (2000, 30))
    assert log == [1] * 15
    assert notice.notes == [
        f"{KEY} has searched nearest neighbours for 10 s, now among 2,000 rows, and goes on: "
        "neighbors=faiss is approximate and nearly linear."
    ]


def test_a_process_prints_one_line_and_every_fold_keeps_the_note(clock, capsys):
    for n_rows in (100_000, 100_001):
        notice = Notice(KEY, 10.0)
        for _ in range(3):
            notice.watch(search_of(clock, 0.01, []), np.zeros((4000, 30)), (n_rows, 30))
        assert len(notice.notes) == 1
    assert capsys.readouterr().err.count("\n") == 1


def test_copies_of_a_search_share_the_notice():
    search = ExactNeighbors(announce_s=3.0).noticing(KEY)
    assert search.notice.limit_s == 3.0
    assert clone(search).notice is search.notice
    assert search.asked(2).notice is search.notice


@pytest.mark.parametrize("search", [ExactNeighbors(announce_s=0), TorchNeighbors(announce_s=0)])
def test_the_notice_is_a_note_of_the_sampler(search, capsys):
    X = np.random.default_rng(0).normal(size=(300, 20))
    y = np.repeat([0, 1], [200, 100])
    sampler = CheckedSampler(SMOTE(random_state=0), KEY, ("a", "b"), neighbors=search)
    sampler.fit_resample(X, y)
    (note,) = sampler.notes_
    assert note.startswith(f"{KEY} searches the nearest neighbours of 100 among 100 rows exactly")
    assert note in capsys.readouterr().err


@pytest.mark.parametrize("search", [ExactNeighbors(announce_s=1e-9), FaissNeighbors()])
def test_the_own_search_of_a_sampler_is_announced_by_one_pass(search, capsys, monkeypatch):
    monkeypatch.setattr(FaissNeighbors, "announce_s", 1e-9)
    X = np.random.default_rng(0).normal(size=(90, 3))
    y = np.repeat([0, 1], [60, 30])
    sampler = CheckedSampler(TomekLinks(), KEY, ("a", "b"), neighbors=search)
    sampler.fit_resample(X, y)
    (note,) = [note for note in sampler.notes_ if "a pass over 90 rows takes about" in note]
    assert note.endswith(
        "TomekLinks accepts no other search; strategy=enn does, and is nearly linear with "
        "neighbors=faiss."
    )
    assert note in capsys.readouterr().err


def test_a_short_own_search_has_no_pilot(monkeypatch):
    monkeypatch.setattr(module, "_pilot_s", lambda *a: pytest.fail("there was a pilot"))
    notice = Notice(KEY, 10.0)
    notice.expect_pass(np.zeros((1000, 30)), "TomekLinks")
    assert notice.notes == []


def test_the_estimate_is_near_the_measured_time():
    X = np.random.default_rng(0).normal(size=(6000, 12))
    search = ExactNeighbors(6, announce_s=1e-3).noticing(KEY)
    search.fit(X).kneighbors(X)
    (note,) = search.notice.notes
    estimate = re.search(r"about ([\d.e-]+) s", note)
    print(f"estimated {estimate[1]} s, measured {search.notice.spent_s:.2g} s")
    assert float(estimate[1]) > 0


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.25, "0.2 s"),
        (12.3, "10 s"),
        (96, "100 s"),
        (300, "5 min"),
        (9000, "2 h"),
        (2e5, "2 days"),
    ],
)
def test_a_duration_has_one_digit(seconds, words):
    assert duration(seconds) == words
