"""Dates as time stamps and as columns of numbers."""

import datetime

import numpy as np
import pandas as pd
import pytest

from imbench.data.dates import date_parts, time_stamps
from imbench.errors import DataError


def stamps(*cells, **options):
    return time_stamps(pd.Series(cells, name="when"), **options)


@pytest.mark.parametrize(
    ("cells", "months"),
    [
        (("2020-01-31", "2020-02-01"), [1, 2]),
        (("13/02/2020", "03/04/2020"), [2, 4]),
        (("02/13/2020", "03/04/2020"), [2, 3]),
        (("1.2.2020", "13.2.2020"), [2, 2]),
        (("Dec-2011", "Jan-2012"), [12, 1]),
        (("5-Jan-20", "6-Feb-21"), [1, 2]),
        (("2011-12", "2012-01"), [12, 1]),
        ((datetime.datetime(2020, 5, 1), None), [5, None]),
    ],
)
def test_the_order_is_told_by_the_cells(cells, months):
    found = stamps(*cells).dt.month
    assert [None if np.isnan(month) else month for month in found] == months


def test_day_and_month_that_cannot_be_told_apart_need_a_word():
    with pytest.raises(DataError, match=r"'01/02/2020'\); set dataset\.day_first=true or .*=false"):
        stamps("01/02/2020", "03/04/2020")
    assert stamps("01/02/2020", day_first=True).dt.month[0] == 2
    assert stamps("01/02/2020", day_first=False).dt.month[0] == 1


def test_two_orders_in_one_column_are_refused():
    with pytest.raises(DataError, match=r"'13/02/2020'\) and with the month first \('02/13"):
        stamps("13/02/2020", "02/13/2020")
    with pytest.raises(DataError, match=r"day_first=true: .*'02/13/2020'; set .*day_first=false\."):
        stamps("02/13/2020", day_first=True)
    with pytest.raises(DataError, match=r"day_first=false: .*'13/02/2020'; set .*day_first=true\."):
        stamps("13/02/2020", day_first=False)


def test_zones_are_brought_to_one():
    found = stamps("2020-01-01T10:00:00Z", "2020-01-01T11:00:00+02:00")
    assert found.dt.hour.tolist() == [10, 9]


def test_parts_that_vary_become_columns():
    when = pd.Series(["2020-01-06 10:00", "2021-01-09 12:00"], name="when")
    parts = dict(date_parts(when, time_stamps(when)))
    assert {name: values.tolist() for name, values in parts.items()} == {
        "when_year": [2020, 2021],
        "when_weekday": [0, 5],
        "when_hour": [10, 12],
    }
