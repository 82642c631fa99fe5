"""kill -9 of commands that tune with two processes, and commands that overlap."""

import os
import random
import time

import pytest

from tests.faults.commands import (
    SWEEP,
    TREE,
    TUNED,
    bits,
    exported,
    finish,
    fold_files,
    kill_after,
    kill_group,
    start,
)

pytestmark = [
    pytest.mark.process,
    pytest.mark.skipif(os.name != "posix", reason="kill -9 is a matter of POSIX"),
]


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    """The bits of a sweep that nothing has disturbed, and the seconds that it took."""
    folder = tmp_path_factory.mktemp("undisturbed") / "results"
    started = time.monotonic()
    finish(folder, SWEEP)
    seconds = time.monotonic() - started
    found = bits(folder)
    assert len(found) == 9
    return found, seconds


def check_progress(folder, before):
    """No stored fold is lost or computed twice: its file, with the seconds of the fit, is there."""
    now = fold_files(folder)
    assert before.items() <= now.items()
    return now


def test_kill_minus_nine_loses_no_fold_changes_none_and_computes_none_twice(
    undisturbed, tmp_path, faults
):
    expected, seconds = undisturbed
    rng, n_kills = random.Random(16), faults.n(30, 4)
    killed, chain, n_folds = 0, 0, 0
    while killed < n_kills:
        folder, before = tmp_path / f"chain{chain}" / "results", {}
        folder.parent.mkdir()
        tracking = ("mlflow", "none")[chain % 2]
        chain += 1
        while killed < n_kills:
            # Half of the moments after the imports, where folds are stored.
            moment = rng.uniform(0, 1) if killed % 4 == 0 else rng.uniform(0.4, 1.1)
            process = start(folder, *SWEEP, tracking=tracking)
            started = time.monotonic()
            if not kill_after(process, moment * seconds, parent_alone=killed % 2 == 1):
                seconds = min(seconds, time.monotonic() - started)  # other processes have ended
                break
            killed += 1
            before = check_progress(folder, before)
        finish(folder, SWEEP, tracking)
        check_progress(folder, before)
        assert bits(folder) == expected
        if tracking == "mlflow":
            assert exported(folder) == sorted({key[0] for key in expected})
        n_folds += len(expected)
    faults.held(
        f"`kill -9` of a sweep that tunes with two processes ({chain} chains, {n_folds} folds): "
        "no fold is lost, none is another, none is computed twice, and MLflow has each cell once",
        killed,
    )


def test_four_commands_with_overlapping_sweeps_end_well(undisturbed, tmp_path, faults):
    expected, _ = undisturbed
    folder = tmp_path / "results"
    selections = (
        "none,smote",
        "smote,[random_over,threshold]",
        "[random_over,threshold],none",
        "none,smote,[random_over,threshold]",
    )
    rounds = faults.n(5, 1)
    for i in range(rounds):
        folder = tmp_path / f"round{i}" / "results"
        folder.parent.mkdir()
        processes = [start(folder, "-m", f"strategy={s}", *TREE, *TUNED) for s in selections]
        try:
            for process in processes:
                out, err = process.communicate(timeout=600)
                assert process.returncode == 0, out + err
                assert "damaged" not in err
        finally:
            for process in processes:
                kill_group(process)
        assert bits(folder) == expected
    faults.held("four commands with overlapping sweeps end with the same bits", 4 * rounds)
