"""New rows become the same numbers as the rows that were fitted, or a sentence says why not."""

import datetime
import decimal
import json
import re

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from imbench import DataError, Schema
from imbench.data.columns import Format
from imbench.data.features import FeatureOptions
from imbench.data.frame import frame_to_dataset
from imbench.data.roles import RoleColumns

N = 8
FAST = settings(max_examples=35, deadline=None, database=None, derandomize=True)
WORDS = ["a", "b ", " c", "?", "", "NA", "10", "9", "1.50", "007", "1e3", "-", "yes", "None"]


def cells(of):
    return st.lists(st.one_of(st.none(), of), min_size=N, max_size=N)


def series(values, dtype):
    return values.map(lambda found: pd.Series(found, dtype=dtype))


floats = st.floats(allow_nan=True, allow_infinity=False, width=64)
columns = st.one_of(
    series(cells(st.integers(-9, 9)), "Int64"),
    series(cells(floats), "float64"),
    series(st.lists(st.integers(-5, 5), min_size=N, max_size=N), "int8"),
    series(cells(st.booleans()), "boolean"),
    series(st.lists(st.booleans(), min_size=N, max_size=N), "bool"),
    series(cells(st.sampled_from(WORDS)), "object"),
    series(cells(st.sampled_from(WORDS)), "string"),
    series(cells(st.decimals(-99, 99, places=2)), "object"),
    series(cells(st.sampled_from(WORDS)), pd.CategoricalDtype(WORDS, ordered=True)),
    series(cells(st.sampled_from([3, 1, 2])), pd.CategoricalDtype([3, 1, 2])),
    series(cells(st.dates(datetime.date(1990, 1, 1), datetime.date(2030, 1, 1))), "object"),
    series(cells(st.datetimes(datetime.datetime(1990, 1, 1))), "datetime64[us]"),
    series(cells(st.timedeltas(datetime.timedelta(0), datetime.timedelta(9))), "timedelta64[us]"),
    series(cells(st.sampled_from(["13/04/2020", "01/02/2021", "3/12/1999 10:30"])), "object"),
)


@pytest.mark.slow
@FAST
@given(
    parts=st.lists(columns, min_size=1, max_size=4),
    missing=st.sampled_from([(), ("yes",), ("9", "-")]),
    order=st.randoms(use_true_random=False),
)
def test_the_rows_that_were_fitted_are_encoded_bit_by_bit_in_any_order(parts, missing, order):
    names = [f"v{i}" for i in range(len(parts))]
    frame = pd.DataFrame(dict(zip(names, parts, strict=True))).assign(
        number=np.arange(N) / 8, y=["p", "q"] * (N // 2)
    )
    options = FeatureOptions(Format(missing), dates="parts")
    try:
        expected = frame_to_dataset(frame, "y", name="t", where="t", options=options)
    except DataError:
        with pytest.raises(DataError):
            Schema.learn(frame, "y", options)
        return
    schema, data = Schema.learn(frame, "y", options)
    assert np.array_equal(data.X, expected.X, equal_nan=True)
    assert schema.feature_names == data.feature_names
    assert schema.categories == dict(data.categories)
    shuffled = frame.assign(more="x")[order.sample([*frame.columns, "more"], len(names) + 3)]
    assert schema.encode(shuffled).tobytes() == data.X.tobytes()
    assert schema.report(shuffled) == {}
    read = Schema.from_json(schema.to_json())
    assert read == schema
    rows = [read.encode(shuffled.iloc[i : i + 1]) for i in range(N)]
    assert np.concatenate(rows).tobytes() == data.X.tobytes()


@pytest.fixture
def frame():
    return pd.DataFrame(
        {
            "age": [31, 44, 52, 20],
            "city": ["Ulm", "Kiel", "Ulm", "Bonn"],
            "size": pd.Categorical(["S", "M", "S", "S"], ["S", "M", "L"], ordered=True),
            "paid": [True, False, True, True],
            "when": ["13/04/2020", "02/05/2021", "03/04/2020", "04/06/2020"],
            "same": [1, 1, 1, 1],
            "y": ["n", "p", "n", "p"],
        }
    )


@pytest.fixture
def schema(frame):
    return Schema.learn(frame, "y", FeatureOptions(dates="parts"))[0]


def test_columns_have_kinds_and_what_was_left_out_is_not_among_them(schema):
    kinds = {column.name: column.kind for column in schema.columns}
    assert kinds == {
        "age": "numeric",
        "city": "categorical",
        "size": "categorical",
        "paid": "categorical",
        "when": "date",
    }
    assert schema.categories == {
        1: ("Bonn", "Kiel", "Ulm"),
        2: ("S", "M", "L"),
        3: ("False", "True"),
    }
    assert schema.feature_names[4:] == ("when_year", "when_month", "when_weekday")
    assert schema.class_names == ("n", "p")
    assert schema.target == "y"


@pytest.mark.parametrize(
    "values",
    [
        [31, 44],
        [31.0, 44.0],
        ["31", " 44 "],
        ["31.0", "4.4e1"],
        [decimal.Decimal(31), decimal.Decimal("44.0")],
        pd.array([31, 44], dtype="Int8"),
        np.array([31, 44], dtype=np.uint8),
        pd.Categorical([31, 44]),
        pd.Categorical(["31", "44"]),
        pd.array(["31", "44"], dtype="string"),
        [31, "44"],
    ],
    ids=str,
)
def test_numbers_are_read_in_whatever_type_they_come(schema, frame, values):
    new = frame.head(2).assign(age=values)
    assert schema.encode(new)[:, 0].tolist() == [31.0, 44.0]


@pytest.mark.parametrize("value", [None, np.nan, pd.NA, "", "NA", "?"], ids=repr)
@pytest.mark.parametrize("name", ["age", "when"])
def test_a_missing_number_or_date_is_missing_however_it_is_spelled(schema, frame, name, value):
    new = frame.head(2).astype({name: object})
    new[name] = pd.Series([value, frame[name][1]], dtype=object)
    place = schema.feature_names.index(name if name == "age" else "when_year")
    encoded = schema.encode(new)
    assert np.isnan(encoded[0, place])
    assert encoded[1, place] == (44.0 if name == "age" else 2021.0)
    new[name] = pd.Series([value, value], dtype=object)
    assert np.isnan(schema.encode(new)[:, place]).all()


def test_the_day_stands_where_it_stood_in_the_rows_that_were_fitted(schema, frame):
    new = frame.head(1).assign(when="05/04/2020")  # alone it could be in May
    month = schema.encode(new)[0, schema.feature_names.index("when_month")]
    assert month == 4
    typed = frame.head(1).assign(when=pd.Timestamp("2020-04-05"))
    assert schema.encode(typed).tolist() == schema.encode(new).tolist()
    with pytest.raises(DataError, match="12/13/2020"):
        schema.encode(frame.head(1).assign(when="12/13/2020"))


def test_unknown_categories_are_missing_and_counted(schema, frame):
    new = frame.assign(city=["Rom", "Kiel", "rom", None], size=["XL", "L", "M", "S"])
    encoded = schema.encode(new)
    assert schema.report(new) == {"city": 2, "size": 1}
    assert np.isnan(encoded[:, 1]).tolist() == [True, False, True, True]
    assert encoded[1:, 2].tolist() == [2.0, 1.0, 0.0]


def test_categories_that_are_numbers_are_known_as_integers_floats_and_text():
    frame = pd.DataFrame({"zone": [3, 10, 3, 7], "n": range(4), "y": [0, 1, 0, 1]})
    schema, data = Schema.learn(frame, "y", FeatureOptions(categorical=("zone",)))
    assert data.categories == {0: ("3", "7", "10")}
    for zone in ([10.0, np.nan], ["10", None], pd.array([10, None], dtype="Int64")):
        encoded = schema.encode(pd.DataFrame({"n": [1, 2], "zone": zone}))
        assert encoded[0].tolist() == [2.0, 1.0]
        assert np.isnan(encoded[1, 0])


@pytest.mark.parametrize(
    ("fitted", "new", "codes"),
    [
        (["3.0", "1.0"], [1, 3.0], [0, 1]),  # text of a file, then what pandas reads of it
        ([3.0, 1.0], ["1.0", "3"], [0, 1]),
        (["007", "1"], [7, 1], [1, 0]),
        (["07", "7"], [7, "007"], [1, np.nan]),  # both are 7: the name decides
        (["true", "false"], [False, True], [0, 1]),
        ([True, False], ["TRUE", "false"], [1, 0]),
        ([True, False], [None, True], [np.nan, 1]),
        (["9007199254740992", "1"], ["9007199254740993", 1], [np.nan, 0]),
    ],
    ids=str,
)
def test_a_category_that_is_a_number_or_a_truth_value_is_known_by_its_value(fitted, new, codes):
    rows = pd.DataFrame({"v": fitted * 2, "n": range(4), "y": [0, 1, 0, 1]})
    schema, _ = Schema.learn(rows, "y", FeatureOptions(categorical=("v",)))
    frame = pd.DataFrame({"v": pd.Series(new), "n": 0})
    assert np.array_equal(schema.encode(frame)[:, 0], codes, equal_nan=True)


def test_a_file_and_what_pandas_reads_of_it_are_the_same(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text(
        "zone,ok,n,when,y\n01,true,1.50,2020-01-31,a\n2,false,,2021-02-28,b\n,true,3,,a\n"
        "2,false,1e2,2020-01-31 10:30,b\n"
    )
    options = FeatureOptions(categorical=("zone",), dates="parts")
    text = pd.read_csv(path, dtype=str, keep_default_na=False)
    schema, data = Schema.learn(text, "y", options)
    typed = pd.read_csv(path)
    assert set(map(str, typed.dtypes[:3])) == {"float64", "bool"}
    assert np.array_equal(schema.encode(typed), data.X, equal_nan=True)


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"age": "old"}, "column 'age': 2 of 2 cells are not a number (such as 'old')"),
        ({"age": ["31", "old"]}, "column 'age': 1 of 2 cells is not a number (such as 'old')"),
        ({"age": True}, "column 'age': 2 of 2 cells are not a number (such as 'True')"),
        ({"age": pd.Timestamp("2020-01-31")}, "not a number (such as '2020-01-31"),
        ({"age": ["1,5", "2"]}, "not a number (such as '1,5')"),
        ({"age": np.inf}, "column 'age': has infinite values (2 of 2 cells)"),
        ({"age": [10**400, 1]}, "column 'age': holds a whole number that is too large"),
        ({"age": 1j}, "column 'age': holds complex numbers"),
        ({"age": [[1], [2]]}, "column 'age': holds objects of type list"),
        ({"city": 3}, "column 'city': 2 of 2 cells are not one of 'Bonn', 'Kiel', 'Ulm'"),
        ({"paid": [1, 0]}, "column 'paid': 2 of 2 cells are not one of 'False', 'True'"),
        ({"city": pd.Timestamp("2020-01-31")}, "not one of"),
        ({"when": 3}, "column 'when': 2 of 2 cells are not a date (such as"),
        ({"when": ["13/04/2020", "soon"]}, "1 of 2 cells is not a date (such as 'soon')"),
        ({"when": ["13/04/2020", "31/02/2020"]}, "is not a date (such as '31/02/2020')"),
    ],
    ids=str,
)
def test_cells_of_another_kind_are_refused_in_one_sentence(schema, frame, changed, words):
    new = frame.head(2)
    for name, value in changed.items():
        new = new.assign(**{name: pd.Series(value if isinstance(value, list) else [value] * 2)})
    with pytest.raises(DataError, match=re.escape(words)) as refused:
        schema.encode(new)
    assert str(refused.value).count("\n") == 0


def test_missing_columns_are_named_with_what_is_meant(schema, frame):
    with pytest.raises(DataError) as refused:
        schema.encode(frame.rename(columns={"age": "Age"}).drop(columns="city"))
    assert str(refused.value) == (
        "columns 'age' (did you mean 'Age'?) and 'city' are missing; add them, with missing values "
        "if nothing is known."
    )
    with pytest.raises(
        DataError, match=r"^column 'age' \(did you mean 'Age'\?\) is missing; add it"
    ):
        schema.encode(frame.rename(columns={"age": "Age"}))
    twice = pd.concat([frame, frame[["city"]]], axis=1)
    with pytest.raises(DataError, match="two columns are named 'city'"):
        schema.encode(twice)
    more = pd.concat([frame, frame[["same", "y"]]], axis=1)  # columns that are not needed
    assert schema.encode(more).shape == (4, 7)


def test_no_rows_and_arrays_in_the_order_of_the_columns(schema, frame):
    assert schema.encode(frame.head(0)).shape == (0, 7)
    rows = frame[list(schema.names)].to_numpy()
    assert schema.encode(rows).tolist() == schema.encode(frame).tolist()
    with pytest.raises(DataError, match=r"shape \(4, 2\), but the model takes 5 columns"):
        schema.encode(rows[:, :2])
    with pytest.raises(DataError, match=r"use pandas\.DataFrame\(rows\)"):
        schema.encode({"age": [1]})


def test_columns_with_a_role_and_dropped_ones_are_not_needed(frame):
    rows = frame.assign(who=[1, 1, 2, 2], w=[1.0, 2.0, 1.0, 1.0])
    roles = RoleColumns(groups="who", weight="w")
    schema, data = Schema.learn(rows, "y", drop=["when"], roles=roles)
    assert schema.names == ("age", "city", "size", "paid")
    assert data.groups.tolist() == [0, 0, 1, 1]
    assert schema.encode(frame).tolist() == data.X.tolist()


def test_a_constant_date_is_not_taken_for_a_column_that_is_named_as_its_part():
    frame = pd.DataFrame(
        {"when": ["2020-01-31"] * 4, "when_month": [1, 2, 3, 4], "y": ["n", "p", "n", "p"]}
    )
    schema, data = Schema.learn(frame, "y", FeatureOptions(dates="parts"))
    assert [(column.name, column.kind) for column in schema.columns] == [("when_month", "numeric")]
    assert schema.encode(frame).tolist() == data.X.tolist()


def test_columns_that_are_named_by_numbers_are_found_by_their_text():
    frame = pd.DataFrame({0: [1.5, 2.5, 3.5], 1: ["a", "b", "a"], "y": [0, 1, 0]})
    schema, data = Schema.learn(frame, "y")
    assert schema.names == ("0", "1")
    assert schema.encode(frame.rename(columns=str)).tolist() == data.X.tolist()
    assert schema.encode(frame).tolist() == data.X.tolist()


def test_a_schema_of_an_array_names_its_columns():
    schema = Schema.of_array(3, ["no", "yes"])
    assert schema.names == ("x0", "x1", "x2")
    assert schema.class_names == ("no", "yes")
    assert schema.encode(np.eye(3)).tolist() == np.eye(3).tolist()
    by_name = pd.DataFrame({"x2": [1], "x0": [2], "x1": [3]})
    assert schema.encode(by_name).tolist() == [[2.0, 3.0, 1.0]]


@pytest.mark.parametrize("change", ["version", "columns", "how"])
def test_json_that_is_none_of_this_version_is_refused(schema, change):
    found = json.loads(schema.to_json())
    for broken in (found | {change: 0}, {k: v for k, v in found.items() if k != change}):
        with pytest.raises(DataError, match="the schema cannot be read"):
            Schema.from_json(json.dumps(broken))
    with pytest.raises(DataError, match="the schema cannot be read"):
        Schema.from_json("no json")
