from __future__ import annotations

import pytest

from imbench.errors import ConfigError
from imbench.report.filters import select
from tests.factories import make_cell

CELLS = [
    make_cell(label, dataset=dataset, model=model, n_folds=1, n=20)
    for dataset in ("digits", "telco_churn")
    for model in ("mlp", "svm")
    for label in ("none", "smote", "smote+focal", "focal")
]


def kept(*filters):
    return {(c.dataset, c.model, c.label) for c in select(CELLS, filters)}


def test_without_a_filter_all_stay():
    assert len(kept()) == 16


def test_filters_of_different_keys_must_all_match():
    found = kept("dataset=telco_churn", "model=mlp")
    assert {f[:2] for f in found} == {("telco_churn", "mlp")}
    assert len(found) == 4


def test_of_equal_keys_one_must_match():
    assert {f[2] for f in kept("strategy=smote", "strategy=focal")} == {"none", "smote", "focal"}


def test_patterns_match_labels_and_the_baseline_stays():
    assert {f[2] for f in kept("strategy=smote*")} == {"none", "smote", "smote+focal"}
    assert {f[2] for f in kept("stage=resample")} == {"none", "smote", "smote+focal", "focal"}


@pytest.mark.parametrize(
    ("filters", "words"),
    [
        (["datset=digits"], "did you mean 'dataset'"),
        (["digits"], "write key=pattern with one of dataset, model, strategy, stage, status"),
        (["dataset=digit"], r"no stored cell matches.*there are digits, telco_churn"),
        (["dataset=digits", "dataset=nosuch*"], "dataset=nosuch"),
        (["strategy="], "no stored cell matches"),
    ],
)
def test_a_filter_that_cannot_match_is_one_sentence(filters, words):
    with pytest.raises(ConfigError, match=words) as raised:
        select(CELLS, filters)
    assert str(raised.value).count("\n") == 0


def test_filters_that_together_match_nothing_are_reported():
    cells = [make_cell("smote", dataset="a"), make_cell("focal", dataset="b")]
    with pytest.raises(ConfigError, match="no stored cell matches them all"):
        select(cells, ["dataset=a", "strategy=focal"])


def test_the_baseline_of_another_label_stays():
    cells = [*CELLS, make_cell("threshold", n_folds=1, n=20)]
    assert {c.label for c in select(cells, ["strategy=focal"], "threshold")} == {
        "none", "threshold", "focal",
    }  # fmt: skip
    assert {c.label for c in select(cells, ["stage=resample"], "auto")} >= {"none", "threshold"}
