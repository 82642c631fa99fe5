"""Claims on folds: who has one, when it is void, and what it costs."""

import json
import os
import threading
import time

import pytest

from imbench.results import claims
from imbench.results.claims import SUFFIX, Claims

CELL = "toy-knn-none-0f1a"
NO_SUCH_PID = 2**22 + 11  # above the largest that Linux gives


@pytest.fixture
def runs(tmp_path):
    (tmp_path / "runs" / CELL).mkdir(parents=True)
    return tmp_path / "runs"


def claimed_by(runs, name="r0-f0", **holder):
    path = runs / CELL / f"{name}{SUFFIX}"
    path.write_text(json.dumps({"host": "elsewhere", "pid": 7, "time": 0.0} | holder))
    return path


def test_a_claim_is_taken_once_and_can_be_taken_again_when_it_is_released(runs):
    one, two = Claims(runs), Claims(runs)
    assert one.take(CELL, ["r0-f0"])
    assert not two.take(CELL, ["r0-f0"])
    assert two.take(CELL, ["r0-f1"])
    one.release(CELL, ["r0-f0"])
    assert two.take(CELL, ["r0-f0"])
    two.release_all()
    assert not list(runs.rglob(f"*{SUFFIX}"))


def test_all_folds_of_a_stack_are_claimed_or_none(runs):
    one, two = Claims(runs), Claims(runs)
    assert one.take(CELL, ["r0-f1"])
    assert not two.take(CELL, ["r0-f0", "r0-f1", "r0-f2"])
    assert [path.name for path in runs.rglob(f"*{SUFFIX}")] == [f"r0-f1{SUFFIX}"]
    one.release_all()


@pytest.mark.skipif(os.name != "posix", reason="only POSIX systems can tell")
def test_a_dead_process_of_this_host_frees_its_claim_at_once(runs):
    claimed_by(runs, host=claims._host(), pid=NO_SUCH_PID)
    mine = Claims(runs)
    assert mine.take(CELL, ["r0-f0"])
    mine.release_all()


def test_so_does_an_earlier_run_in_this_process(runs):
    claimed_by(runs, host=claims._host(), pid=os.getpid())
    mine = Claims(runs)
    assert mine.take(CELL, ["r0-f0"])
    mine.release_all()


def test_a_living_process_of_this_host_keeps_its_claim(runs):
    claimed_by(runs, host=claims._host(), pid=os.getppid())
    assert not Claims(runs).take(CELL, ["r0-f0"])


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"host": "x"}', b'{"host":1,"pid":"x"}'])
def test_a_claim_that_says_nothing_is_kept_until_it_expires(runs, content, monkeypatch):
    claimed_by(runs).write_bytes(content)
    mine = Claims(runs)
    assert not mine.take(CELL, ["r0-f0"])
    assert mine.holder(CELL, "r0-f0") == "another process"
    monkeypatch.setattr(claims, "EXPIRES_S", -1.0)
    assert mine.take(CELL, ["r0-f0"])
    mine.release_all()


def test_a_claim_of_another_host_expires_by_the_clock_of_the_one_who_waits(runs, monkeypatch):
    path = claimed_by(runs)
    now = [100.0]
    monkeypatch.setattr(claims.time, "monotonic", lambda: now[0])
    mine = Claims(runs)
    assert not mine.take(CELL, ["r0-f0"])
    now[0] += claims.EXPIRES_S - 1
    assert not mine.take(CELL, ["r0-f0"])
    os.utime(path, (time.time() - 5, time.time() - 5))  # its clock is behind, and it lives
    now[0] += claims.EXPIRES_S - 1
    assert not mine.take(CELL, ["r0-f0"])
    now[0] += claims.EXPIRES_S + 1
    assert mine.take(CELL, ["r0-f0"])
    mine.release_all()


def test_one_that_was_not_touched_for_an_hour_is_void_at_once(runs):
    path = claimed_by(runs)
    os.utime(path, (time.time() - claims.OLD_S - 1,) * 2)
    mine = Claims(runs)
    assert mine.take(CELL, ["r0-f0"])
    mine.release_all()


def test_claims_that_are_held_are_touched(runs):
    mine = Claims(runs)
    mine.take(CELL, ["r0-f0"])
    (path,) = runs.rglob(f"*{SUFFIX}")
    os.utime(path, (0, 0))
    claims._touch()
    assert path.stat().st_mtime > 1e9
    mine.release_all()
    claims._touch()  # nothing comes back
    assert not path.exists()


def test_a_claim_that_another_has_taken_over_is_left_to_it(runs):
    mine = Claims(runs)
    mine.take(CELL, ["r0-f0"])
    path = claimed_by(runs)
    mine.release_all()
    assert json.loads(path.read_text())["host"] == "elsewhere"


def test_of_several_that_take_over_a_void_claim_one_has_it(runs):
    for i in range(20):
        name = f"r0-f{i}"
        claimed_by(runs, name, host=claims._host(), pid=NO_SUCH_PID)
        barrier, won = threading.Barrier(4), []

        def take(name=name, barrier=barrier, won=won):
            mine = Claims(runs)
            barrier.wait()
            if mine.take(CELL, [name]):
                won.append(mine)

        threads = [threading.Thread(target=take) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(won) == 1
        won[0].release_all()


def test_a_folder_that_cannot_be_written_hinders_nobody(tmp_path):
    mine = Claims(tmp_path / "nowhere")
    assert mine.take(CELL, ["r0-f0"])
    mine.release(CELL, ["r0-f0"])


def test_a_claim_costs_less_than_a_millisecond_a_fold(runs):
    mine = Claims(runs)
    best = []
    for _ in range(5):
        started = time.perf_counter()
        for i in range(20):
            assert mine.take(CELL, [f"r0-f{i}"])
            mine.release(CELL, [f"r0-f{i}"])
        best.append((time.perf_counter() - started) / 20)
    assert min(best) < 1e-3
