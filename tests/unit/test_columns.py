"""What the text of a column is: numbers, dates, categories, or a sentence with the ways out."""

import math

import numpy as np
import pandas as pd
import pytest

from imbench.data.columns import MISSING_NUMBERS, Format, as_numbers, read_column

COMMA = Format(decimal=",")


def column(*cells, n=20, how=None, **options):
    text = pd.Series([cells[i % len(cells)] for i in range(n)], name="x", dtype=object)
    return read_column(text, how or Format(), **options)


def sentence(*cells, **options):
    problem = column(*cells, **options).problem
    return problem and problem.sentence({})


@pytest.mark.parametrize(
    "cell", ["1", "-2", "+3", "1.5", ".5", "1.", "1e5", "2E-3", "0.1", "123456789.123456789"]
)
def test_numbers_are_read_as_python_reads_them(cell):
    read = column(cell, "7")
    assert read.kind == "numeric"
    assert read.values[0] == float(cell)


@pytest.mark.parametrize(
    "exact", [0.1, 1 / 3, 2.2250738585072014e-308, 1.7976931348623157e308, math.pi]
)
def test_numbers_keep_every_bit(exact):
    assert as_numbers(pd.Series([repr(exact)]), Format())[0] == exact


def test_the_minus_sign_of_typographers_is_a_minus():
    assert column("\u22121.5", "2").values[0] == -1.5


@pytest.mark.parametrize("mark", sorted(MISSING_NUMBERS))
def test_a_spelling_of_a_missing_number_is_missing_beside_numbers(mark):
    read = column("1", "2", "3", mark)
    assert read.kind == "numeric"
    assert np.isnan(read.values).sum() == 5
    assert read.spelled == ({mark: 5} if mark else {})


@pytest.mark.parametrize("mark", [mark for mark in sorted(MISSING_NUMBERS) if mark])
def test_it_is_a_category_beside_text(mark):
    read = column("chain", "wood", mark)
    assert read.kind == "categorical"
    assert (read.values == mark).sum() == 6


def test_what_the_user_lists_as_missing_is_missing_everywhere():
    assert column("chain", "none", how=Format(missing=("none",))).values.isna().sum() == 10
    listed = column("1", "-9", "-9.0", how=Format(missing=("-9",)))
    assert listed.values.isna().sum() == 13


@pytest.mark.parametrize(
    ("others", "quoted"),
    [
        (["abc"], "1 of 60 cells is no number ('abc'); set 'dataset.missing=[abc]'"),
        (["#DIV/0!"], """('#DIV/0!'); set 'dataset.missing=["#DIV/0!"]'"""),
        (list("abcd"), "4 of 60 cells are no number ('a', 'b', 'c', ...)"),
        (["12..5"], "('12..5')"),
        (["12 34"], "('12 34')"),
    ],
)
def test_a_few_wrong_cells_are_named_with_both_ways_out(others, quoted):
    cells = [str(i) for i in range(60 - len(others))] + others
    said = sentence(*cells, n=60)
    assert quoted in said
    assert said.startswith("column 'x': ")
    assert said.endswith("or 'dataset.categorical=[x]' if the column holds categories.")
    assert column(*cells, n=60, is_category=True).problem is None


def test_more_texts_than_can_be_listed_are_counted():
    cells = [str(i) for i in range(300)] + [f"V{i}" for i in range(25)]
    said = sentence(*cells, n=len(cells))
    assert "25 of 325 cells are no number ('V0', 'V1', 'V2', ...); list the 25 texts in" in said
    cells = [str(i) for i in range(60)] + list("abcd")
    assert "set 'dataset.missing=[a,b,c,d]' if" in sentence(*cells, n=len(cells))


def test_a_tenth_of_text_is_refused_and_more_is_a_column_of_categories():
    assert column(*["1"] * 9, "a").problem is not None
    read = column(*["1"] * 8, "a", "b")
    assert (read.problem, read.kind, read.n_numbers) == (None, "categorical", 16)


@pytest.mark.parametrize(
    ("cells", "words"),
    [
        (
            ["1,5", "2,25"],
            "holds numbers with a decimal comma ('1,5'); set 'dataset.decimal=\",\"'",
        ),
        (["1,5", "2"], "holds numbers with a decimal comma"),
        (["1.234,5", "2.345,1"], "'dataset.decimal=\",\"' with 'dataset.thousands=\".\"'"),
        (["1,234", "2,345"], "with a comma ('1,234'); set 'dataset.decimal=\",\"' if the comma is"),
        (["1,234", "2,345"], "'dataset.thousands=\",\"' if it stands between thousands"),
        (
            ["1,234.5", "12"],
            "with ',' between thousands ('1,234.5'); set 'dataset.thousands=\",\"'",
        ),
        (["1 234", "5"], "with ' ' between thousands"),
        (["1'234", "5"], """with "'" between thousands"""),
        (["1.234.567", "5"], "'dataset.thousands=\".\"' with 'dataset.decimal=\",\"'"),
        (["$5", "$7.50"], "holds numbers with '$' ('$5'); remove '$' from the file, or set"),
        (["-$5", "$7"], "holds numbers with '$'"),
        (["5 €", "7,5 €"], "holds numbers with '€'"),
        (["EUR 5", "EUR 7"], "holds numbers with 'EUR'"),
        (["5 kg", "7kg", "8"], "holds numbers with 'kg'"),
        (["5%", "12.5 %"], "holds numbers with '%'"),
        (["12 months", "24 months"], "holds numbers with 'months'"),
    ],
)
def test_other_ways_to_write_numbers_are_named(cells, words):
    assert words in sentence(*cells)


@pytest.mark.parametrize(
    ("cell", "how", "number"),
    [
        ("1,5", COMMA, 1.5),
        ("1.234,5", Format(decimal=",", thousands="."), 1234.5),
        ("1.234.567", Format(decimal=",", thousands="."), 1234567),
        ("1,234.5", Format(thousands=","), 1234.5),
        ("1 234,5", Format(decimal=",", thousands=" "), 1234.5),
        ("1'234.5", Format(thousands="'"), 1234.5),
        ("12,34", Format(thousands=","), None),
        ("1.5", COMMA, None),
        ("1.5", Format(decimal=",", thousands="."), None),
        ("1_000", Format(), None),
        ("0x1F", Format(), None),
    ],
)
def test_the_signs_that_are_set_are_the_only_ones(cell, how, number):
    (found,) = as_numbers(pd.Series([cell]), how)
    assert (None if np.isnan(found) else found) == number


def test_a_point_beside_a_decimal_comma_is_refused():
    assert "holds numbers with a point ('1.5')" in sentence("1.5", how=COMMA)
    assert "between thousands ('1.500')" in sentence("1.500", how=COMMA)


@pytest.mark.parametrize(
    "cells",
    [
        ["2020-01-31", "2020-02-01"], ["2020/1/5", "2021/2/6"], ["31.12.2020", "1.2.2021"],
        ["01/02/2020", "03/04/2020"], ["1/2/20", "3/4/20"], ["2011-12", "2012-01"],
        ["Jan 5, 2020", "Feb 7, 2021"], ["5-Jan-20", "6-Feb-21"], ["5 January 2020", "6 may 2021"],
        ["Dec-2011", "Jan-2012"], ["12:30", "13:45:10"], ["12:30 PM", "1:45 am"],
        ["2020-01-01T10:00:00Z", "2020-01-02 11:00:00+02:00"], ["2020-01-31", "N/A"],
    ],
)  # fmt: skip
def test_dates_and_times_are_recognised(cells):
    assert column(*cells).kind == "date"


def test_a_column_of_dates_with_a_word_names_the_word():
    assert "1 of 20 cells is no date ('soon')" in sentence(*["2020-01-01"] * 19, "soon")


@pytest.mark.parametrize(
    "cells",
    [
        ["yes", "no"], ["0-10", "10-20"], ["A1", "B2"], ["192.168.0.1", "10.0.0.2"], ["1/2", "3/4"],
        ["5.1.2", "6.1.0"], ["alpha 2000", "beta 2001"], ["3+", "1", "2"], ["5'11", "6'2"],
        ["TRUE", "FALSE"], ["café", "目标"],
    ],
)  # fmt: skip
def test_text_is_categories(cells):
    read = column(*cells)
    assert (read.kind, read.problem) == ("categorical", None)


def test_leading_zeros_are_counted():
    assert column("01234", "12345").codes == 10
    assert column("0", "0.5").codes == 0
