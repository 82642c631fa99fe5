"""Checks of a data set: each case gives its notice, clean tables give none, and advice works."""

import ast
import re
import shlex
import time

import numpy as np
import pytest

from imbench.config.check import check_choices
from imbench.config.compose import Composer
from imbench.data.checks import check
from imbench.data.dataset import Dataset
from imbench.data.digits import load_digits
from imbench.data.notices import CODES, LEAKS
from imbench.data.synthetic import load_synthetic
from imbench.data.table import load_table
from tests.conftest import ROOT

RNG = np.random.default_rng(0)
N = 400


def made(y=None, class_names=("no", "yes"), categories=None, **columns):
    """Return a data set with three ordinary columns and those given."""
    n = len(next(iter(columns.values()))) if columns else len(y)
    rng = np.random.default_rng(1)
    ordinary = {"a": rng.normal(size=n), "b": rng.integers(0, 50, n), "c": rng.exponential(size=n)}
    everything = ordinary | columns
    labels = (rng.random(n) < 0.2).astype(np.int64) if y is None else np.asarray(y, np.int64)
    names = tuple(everything)
    codes = {names.index(name): levels for name, levels in (categories or {}).items()}
    X = np.column_stack([np.asarray(values, float) for values in everything.values()])
    return Dataset("made", X, labels, class_names, names, categories=codes)


def codes_of(data, **options):
    return [notice.code for notice in check(data, **options)]


def test_ordinary_data_give_no_notice():
    assert codes_of(load_digits()) == codes_of(load_synthetic(ratio=20)) == []
    assert codes_of(made(y=np.arange(N) % 3 == 0)) == []


# Duplicates


def test_repeated_rare_rows_are_told_with_the_share_of_their_class():
    data = made(y=np.arange(N) % 10 == 0)
    rare = np.flatnonzero(data.y == 1)
    rows = np.concatenate([np.arange(N), np.repeat(rare, 3)])
    rows = np.random.default_rng(0).permutation(rows)
    again = Dataset("again", data.X[rows], data.y[rows], data.class_names, data.feature_names)
    (notice,) = check(again)
    assert notice.code == "duplicate-rows"
    assert "160 of 520 rows (30.8%; 100% of class 'yes')" in notice.words


def test_few_duplicates_are_not_told():
    data = made(y=np.arange(N) % 3 == 0)
    rows = np.append(np.arange(N), 0)
    assert codes_of(Dataset("few", data.X[rows], data.y[rows], ("a", "b"), ("x", "y", "z"))) == []


# Identifiers


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("row", np.arange(N)),
        ("row", np.arange(N)[::-1] + 7),
        ("key", np.sort(RNG.choice(10**9, N, replace=False))),
        ("number", RNG.permutation(N) + 1000),
        ("customerID", RNG.choice(10**9, N, replace=False)),
        ("order id", RNG.choice(10**12, N, replace=False)),
        ("patient_nbr", np.where(np.arange(N) < 5, np.nan, RNG.permutation(N))),
    ],
    ids=str,
)
def test_integers_that_differ_in_every_row_are_identifiers(name, values):
    (notice,) = check(made(**{name: values}))
    assert notice.code == "identifier-column"
    assert repr(name) in notice.words


@pytest.mark.parametrize(
    "values",
    [
        RNG.choice(10**9, N, replace=False),  # an amount: differs by chance
        RNG.integers(0, 1000, N),
        RNG.normal(size=N),
        np.where(np.arange(N) < N - 10, np.nan, np.arange(N)),  # ten values
    ],
)
def test_other_numbers_are_no_identifiers(values):
    assert codes_of(made(amount=values)) == []


def test_categories_are_an_identifier_above_half_as_many_as_rows():
    for n_levels, expected in ((N // 2, []), (N // 2 + 1, ["identifier-column"])):
        levels = tuple(map(str, range(n_levels)))
        values = np.random.default_rng(0).permutation(np.arange(N) % n_levels)
        assert codes_of(made(name=values, categories={"name": levels})) == expected


def test_identifiers_are_told_in_one_sentence_with_what_is_dropped_already():
    data = made(**{"row (1)": np.arange(N), "id": RNG.permutation(N)})
    (notice,) = check(data, dropped=("when",))
    assert "'dataset.drop=[when,\"row (1)\",id]'" in notice.words
    (notice,) = check(data, dropped=None)
    assert "dataset.drop" not in notice.words


# Columns that determine the class

RARE = (np.random.default_rng(5).random(N) < 0.2).astype(int)


@pytest.mark.parametrize(
    ("values", "levels"),
    [
        (RARE * 2.0 + RNG.random(N), None),  # a threshold
        (np.where(RARE, RNG.random(N), np.nan), None),  # filled for one class
        (np.where(RARE, 0.5, np.where(RNG.random(N) < 0.5, 0, 1)) + RNG.random(N) / 9, None),
        (RARE, ("open", "closed")),
        (RARE * 5 + RNG.integers(0, 5, N), tuple("abcdefghij")),
        (RNG.integers(0, 5, N) * 2 + RARE, None),  # odd and even
    ],
)
def test_a_column_that_tells_every_class_is_told(values, levels):
    data = made(y=RARE, told=values, categories={"told": levels} if levels else None)
    (notice,) = check(data)
    assert notice.code == "class-in-column"
    assert "column 'told' alone tells the class" in notice.words


def test_a_few_errors_or_a_chance_result_are_not_told():
    values = RARE * 2.0 + RNG.random(N)
    values[np.flatnonzero(RARE)[:4]] -= 2.0
    assert codes_of(made(y=RARE, almost=values)) == []
    # Two rare rows of 40 lie above all others in some of 60 columns.
    y = np.arange(40) < 2
    X = np.random.default_rng(0).normal(size=(40, 60))
    X[:2, 0] = 9
    assert "class-in-column" not in codes_of(Dataset("chance", X, y.astype(np.int64), ("a", "b")))


# Groups


def test_rows_of_a_patient_are_a_group_whatever_its_name():
    rng = np.random.default_rng(0)
    group = rng.permutation(np.repeat(np.arange(80), 5))
    blood, size = rng.normal(size=(2, 80))
    features = {"blood": blood[group] + rng.normal(0, 0.2, N), "size": size[group]}
    data = Dataset(
        "visits",
        np.column_stack([group, *features.values()]),
        rng.integers(0, 2, N),
        ("a", "b"),
        ("whom", *features),
    )
    (notice,) = check(data)
    assert notice.code == "repeated-group"
    assert "80 values in 400 rows" in notice.words
    assert "rows of one 'whom' stand on both sides of folds" in notice.words


def test_the_name_of_an_identifier_that_repeats_is_enough():
    values = RNG.permutation(np.arange(N) % 100)
    assert codes_of(made(customer_id=values)) == ["repeated-group"]
    assert codes_of(made(age=values)) == []


def test_a_feature_that_others_follow_is_no_group():
    age = RNG.integers(18, 90, N)
    data = made(age=age, height=age * 2.0, weight=np.sqrt(age), pulse=age + RNG.normal(0, 2, N))
    assert codes_of(data) == []


# Classes, order, sizes


def test_classes_that_differ_in_case_or_blanks_are_told():
    y = RNG.integers(0, 4, N)
    (notice,) = check(made(y=y, class_names=("No", "Not  yet", "no", "not yet")))
    assert notice.code == "class-spelling"
    assert "'No' and 'no', and 'Not  yet' and 'not yet'" in notice.words


@pytest.mark.parametrize(("n_rare", "n_splits"), [(9, 5), (5, 5), (4, 3), (2, 2)])
def test_a_class_of_which_a_fold_tests_less_than_two_rows_is_told(n_rare, n_splits):
    y = RNG.permutation(np.arange(N) < n_rare)
    (notice,) = check(made(y=y), n_splits=n_splits)
    assert notice.code == "small-class"
    assert f"class 'yes' has {n_rare} rows" in notice.words
    if advised := re.search(r"splits.n_splits=(\d+)", notice.words):
        assert codes_of(made(y=y), n_splits=int(advised[1])) == []
    assert codes_of(made(y=y), n_splits=None) == []


def test_rows_sorted_by_class_or_by_a_number_are_told():
    assert codes_of(made(y=np.arange(N) >= 300)) == ["sorted-by-class"]
    (notice,) = check(made(day=np.arange(N) // 4))
    assert notice.code == "sorted-by-column"
    assert "sorted by column 'day'" in notice.words
    assert codes_of(made(day=np.arange(N) // 40)) == []  # ten values
    assert codes_of(made(day=np.where(np.arange(N) == 399, 0, np.arange(N) // 4))) == []


@pytest.mark.parametrize(
    ("value", "words"), [(1e20, "models that scale"), (-1e39, "nets and most models of trees")]
)
def test_huge_values_are_told(value, words):
    values = RNG.normal(size=N)
    values[7] = value
    (notice,) = check(made(x=values))
    assert notice.code == "huge-values"
    assert words in notice.words


def test_columns_of_a_data_set_without_names_are_numbered():
    X = np.column_stack([np.arange(100.0), RNG.normal(size=100)])
    (notice,) = check(Dataset("bare", X, RNG.integers(0, 2, 100), ("a", "b")))
    assert "column '0' counts the rows" in notice.words


def test_a_column_without_values_is_passed_over():
    assert codes_of(made(none=np.full(N, np.nan), one=np.ones(N))) == []


def test_leaks_come_first():
    data = made(y=np.arange(N) >= 300, row=np.arange(N))
    assert codes_of(data) == ["identifier-column", "sorted-by-class"]


def test_a_hundred_thousand_rows_take_little_time():
    n, rng = 100_000, np.random.default_rng(0)
    X = np.column_stack(
        [rng.normal(size=(n, 10)), rng.integers(0, 50_000, (n, 10)), rng.integers(0, 300, (n, 10))]
    )
    levels = {j: tuple(map(str, range(300))) for j in range(20, 30)}
    names = tuple(f"x{j}" for j in range(30))
    y = (rng.random(n) < 0.05).astype(np.int64)
    data = Dataset("large", X, y, ("a", "b"), names, categories=levels)
    started = time.process_time()
    assert check(data) == []
    assert time.process_time() - started < 2.0  # about 0.5 s on an idle core


# Codes and advice


def test_every_code_has_a_section_and_every_section_a_code():
    text = (ROOT / "docs" / "checks.md").read_text()
    assert re.findall(r"^## (.+)$", text, re.MULTILINE) == list(CODES)
    assert set(LEAKS) < set(CODES)


def test_every_code_in_the_source_is_known():
    used = set()
    for path in (ROOT / "imbench" / "data").glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call):
                name = getattr(node.func, "id", getattr(node.func, "attr", ""))
                texts = [a.value for a in node.args if isinstance(a, ast.Constant)]
                if name in ("Notice", "_leave_out", "_note", "ignore") and texts:
                    used |= {t for t in texts if re.fullmatch(r"[a-z]+(-[a-z]+)+", str(t))}
    assert used == set(CODES)


@pytest.mark.parametrize("name", ["id", "Row (UTC)", "a,b", "x#1", ">50K", "état", "it's", "目标"])
def test_advice_can_be_pasted(name):
    (notice,) = check(made(**{name: np.arange(N)}))
    (advice,) = re.findall(r"set (.+) if it is", notice.words)
    words = shlex.split(advice)
    (config,) = Composer(None).cells(["dataset=table", *words], multirun=False)
    assert config["dataset"]["drop"] == [name]


@pytest.mark.parametrize(
    ("value", "parts"),
    [
        ("[small-clas]", ["'small-clas'", "did you mean 'small-class'?", *CODES]),
        ("small-class", ["checks.ignore='small-class' must be a list"]),
    ],
)
def test_unknown_codes_are_refused(value, parts):
    composer = Composer(None)
    (config,) = composer.cells([f"checks.ignore={value}"], multirun=False)
    (problem,) = check_choices(config, composer.folders)
    for part in parts:
        assert part in problem


def test_known_codes_are_accepted():
    composer = Composer(None)
    (config,) = composer.cells([f"checks.ignore=[{','.join(CODES)}]"], multirun=False)
    assert check_choices(config, composer.folders) == []


# Real tables, where there are any

EXPECTED = {
    "adbench_cover.parquet": ("outlier", []),
    "ai4i_failure.csv": ("Machine failure", []),
    "bank_marketing.parquet": ("y", ["duplicate-rows"]),
    "caravan_coil2000.csv": ("Purchase", ["duplicate-rows"]),
    "covid_testing.csv": ("result", ["repeated-group", "sorted-by-column"]),
    "cran_checks.csv": ("status", []),
    "lending_club.csv": ("Class", []),
    "nass_cds.csv": ("dead", []),
    "ohlsson_claims.csv": ("claim", ["sorted-by-column"]),
    "seismic_bumps.csv": ("class", ["constant-column"] * 3),
    "vietnam_injury.csv": ("injury", []),
}


@pytest.mark.parametrize("name", EXPECTED)
def test_real_tables_give_few_notices(name, data_dir):
    target, expected = EXPECTED[name]
    assert codes_of(load_table(str(data_dir / "tables" / name), target)) == expected


CASES = {
    "plain.csv": ("target", []),
    "excel_na.csv": ("target", ["missing-spelled"]),
    "groups.csv": ("y", ["repeated-group"]),
    "panel.csv": ("Churn", ["repeated-group"]),
    "sorted_id.csv": ("target", ["identifier-column", "sorted-by-class"]),
    "oversampled_before_split.csv": ("y", ["duplicate-rows"]),
    "yes_variants.csv": ("target", ["class-spelling"]),
    "tiny5.csv": ("target", ["small-class", "sorted-by-class"]),
    "sparse_column.csv": ("y", []),
}


@pytest.fixture
def cases(data_dir):
    """Return the folder of small inputs, beside that of real data."""
    folder = data_dir.parent / "cases"
    if not folder.is_dir():
        pytest.skip("the small inputs are not there")
    return folder


@pytest.mark.parametrize("name", CASES)
def test_small_inputs_give_their_notice(name, cases):
    target, expected = CASES[name]
    drop = ["month"] if name == "panel.csv" else []
    assert codes_of(load_table(str(cases / name), target, drop=drop)) == expected


def test_many_tiny_classes_are_told_in_one_sentence(cases):
    table = np.genfromtxt(cases / "manyrare.csv", delimiter=",", dtype=str, skip_header=1)
    names, y = np.unique(table[:, -1], return_inverse=True)
    data = Dataset("manyrare", table[:, :-1].astype(float), y, tuple(names.tolist()))
    (notice,) = [n for n in check(data) if n.code == "small-class"]
    assert "24 classes have fewer than 10 rows" in notice.words
    assert "set splits.n_splits=3" in notice.words
