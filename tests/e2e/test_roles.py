"""Groups, times, weights and test rows on the command line, and what the audit says of them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from tests.e2e.conftest import Run

N_PATIENTS, N_VISITS = 60, 5


@pytest.fixture
def visits(tmp_path: Path) -> Path:
    """Visits of patients: levels and labels belong to the patient, and labels are random."""
    rng = np.random.default_rng(0)
    patient = np.repeat(np.arange(N_PATIENTS), N_VISITS)
    level = rng.normal(size=(N_PATIENTS, 4))[patient] + rng.normal(0, 0.01, (len(patient), 4))
    ill = (rng.permutation(N_PATIENTS) < N_PATIENTS // 4)[patient]
    day = np.tile(np.arange(N_VISITS), N_PATIENTS) * 7
    weight = rng.uniform(1, 5, len(patient))
    head = "patient,day,weight,part,a,b,c,d,y"
    lines = [
        f"p{p},2024-02-{d + 1:02d},{w:.3f},{'test' if p % 4 == 0 else 'train'},"
        f"{','.join(f'{x:.4f}' for x in row)},{'ill' if y else 'well'}"
        for p, d, w, row, y in zip(patient, day, weight, level, ill, strict=True)
    ]
    path = tmp_path / "visits.csv"
    path.write_text("\n".join([head, *lines]) + "\n")
    return path


def words(path: Path, *more: str) -> list[str]:
    found = ["dataset=table", f"dataset.path={path}", "dataset.target=y", "output=json"]
    named = " ".join(more)
    roles = {"groups": "patient", "time": "day", "weight": "weight", "test": "part"}
    left = [column for key, column in roles.items() if f"dataset.{key}=" not in named]
    drop = [column for column in left if column != "patient" or "groups" in named]
    return [*found, f"dataset.drop=[{','.join(drop)}]", "model=decision_tree", *more]


def f1(done) -> float:
    assert done.code == 0, done.err
    return json.loads(done.out.splitlines()[0])["metrics"]["f1_macro"]


def test_groups_take_away_what_a_leak_gives_and_the_audit_certifies_no_leak(
    run: Run, visits: Path
) -> None:
    known = run(*words(visits, "dataset.categorical=[patient]"))
    assert "set dataset.groups=patient to keep them together" in known.err
    assert f1(known) > 0.95
    audit = run("audit")
    assert "[repeated-group]" in audit.out
    assert "no leak" not in audit.out
    assert audit.code == 0


@pytest.mark.parametrize("more", [(), ("splits=group",), ("splits=holdout",)])
def test_new_patients_are_a_coin_toss(run: Run, visits: Path, more: tuple[str, ...]) -> None:
    new = run(*words(visits, "dataset.groups=patient", *more))
    assert f1(new) < 0.75
    assert "visits: groups of 'patient': 60, the largest has 5 rows" in new.err
    assert "no leak: no row of a test part was fitted on" in run("audit").out


@pytest.mark.parametrize("splits", ["time", "group_time"])
def test_splits_in_time_are_certified_and_others_are_a_leak(
    run: Run, visits: Path, splits: str
) -> None:
    time = ["dataset.groups=patient", "dataset.time=day", f"splits={splits}", "splits.n_splits=2"]
    done = run(*words(visits, *time))
    assert "time of 'day': 2024-02-01 to 2024-02-29" in done.err
    f1(done)
    audit = run("audit")
    if splits == "group_time":
        assert "no leak" in audit.out
    else:  # all patients come back
        assert audit.code == 1
        assert "groups have rows in the test part and in the training part" in audit.out


def test_later_rows_that_train_are_a_leak(run: Run, visits: Path) -> None:
    done = run(*words(visits, "dataset.groups=patient", "dataset.time=day"))
    assert "set splits=group_time" in done.err
    assert done.code == 0
    audit = run("audit")
    assert audit.code == 1
    assert "training rows are not from before the test part: set splits=group_time." in audit.out


def test_weights_change_the_table_and_a_model_without_them_is_skipped(
    run: Run, visits: Path
) -> None:
    plain, weighted = (
        run(*words(visits, "dataset.groups=patient", *more, "splits.n_repeats=1"))
        for more in ([], ["dataset.weight=weight"])
    )
    assert f1(plain) != f1(weighted)
    assert "weight of 'weight'" in weighted.err
    knn = run(*words(visits, "dataset.groups=patient", "dataset.weight=weight", "model=knn"))
    assert knn.code == 1
    assert "model=knn takes no sample_weight" in knn.err


def test_a_column_that_says_train_or_test_is_run_as_it_was_split(run: Run, visits: Path) -> None:
    done = run(*words(visits, "dataset.groups=patient", "dataset.test=part", "splits=official"))
    f1(done)
    row = json.loads(done.out.splitlines()[0])
    assert row["counts"]["n_rare"] + row["counts"]["n_others"] == N_PATIENTS // 4 * N_VISITS
    assert "no leak" in run("audit").out
