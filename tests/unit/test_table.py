import numpy as np
import pandas as pd
import pytest

from imbench.data.load import load_dataset
from imbench.data.table import load_table
from imbench.errors import ConfigError, DataError
from tests.dataset_files import dataset_node, write_csv


@pytest.fixture
def csv(tmp_path):
    """Write lines to a CSV file and return its path as text."""

    def _write(*lines, name="data.csv"):
        path = tmp_path / name
        path.write_text("\n".join(lines) + "\n")
        return str(path)

    return _write


ROWS = [f"{i},{'ab'[i % 2]},{'yn'[i % 3 == 0]}" for i in range(12)]
TABLE = ["num,cat,cls", *ROWS]


def test_a_table_becomes_numbers_codes_and_labels(tmp_path):
    data = load_table(str(write_csv(tmp_path / "toy.csv", n_rows=8)), "class")
    assert data.name == "toy"
    assert data.feature_names == ("age", "colour", "member")
    assert data.class_names == ("bad", "good")
    assert data.y.tolist() == [0, 1, 1, 1, 0, 1, 1, 1]
    assert data.categories == {1: ("blue", "red"), 2: ("False", "True")}
    np.testing.assert_array_equal(data.X[:, 0], [0, 0.5, 1, np.nan, 2, 2.5, 3, 3.5])
    assert data.X[:, 1].tolist() == [0, 1, 1, 0, 1, 1, 0, 1]
    assert data.X[:, 2].tolist() == [1, 0] * 4


def test_every_format_gives_the_same_data(tmp_path):
    frame = pd.read_csv(write_csv(tmp_path / "toy.csv"))
    frame.to_csv(tmp_path / "toy.tsv", sep="\t", index=False)
    frame.to_parquet(tmp_path / "toy.parquet")
    lines = frame.to_csv(index=False, header=False, na_rep="?")
    head = "@attribute age real\n@attribute colour {blue, red}\n@attribute member {False, True}\n"
    for suffix in ("arff", "dat"):
        (tmp_path / f"toy.{suffix}").write_text(
            f"{head}@attribute class {{good,bad}}\n@data\n{lines}"
        )
    loaded = {
        suffix: load_table(str(tmp_path / f"toy.{suffix}"), "class")
        for suffix in ("csv", "tsv", "parquet", "arff", "dat")
    }
    assert len({data.fingerprint for data in loaded.values()}) == 1


def test_marks_of_a_missing_number_are_categories_beside_other_words(csv):
    lines = ["a,b,c", "1,x,0", " ,NA,1", "?,None,0", '" ",,1', "2.5, x ,0"]
    data = load_table(csv(*lines), "c")
    np.testing.assert_array_equal(data.X[:, 0], [1, np.nan, np.nan, np.nan, 2.5])
    assert data.categories == {1: ("NA", "None", "x")}
    np.testing.assert_array_equal(data.X[:, 1], [2, 0, 1, np.nan, 2])
    assert data.info.has_missing


def test_the_marks_for_missing_can_be_chosen(csv):
    data = load_table(csv("a,c", "1,0", "None,1", "-,0", "3,1"), "c", missing=["None", "-"])
    np.testing.assert_array_equal(data.X[:, 0], [1, np.nan, np.nan, 3])


def test_integer_classes_are_sorted_as_numbers_and_text_as_text(csv):
    numbers = load_table(csv("a,c", "1,10", "2,9", "3,-1"), "c")
    assert numbers.class_names == ("-1", "9", "10")
    assert numbers.y.tolist() == [2, 1, 0]
    assert load_table(csv("a,c", "1,10", "2,9", "3,x"), "c").class_names == ("10", "9", "x")
    assert load_table(csv("a,c", "1,1.0", "2,0.0", "3,1.0"), "c").class_names == ("0", "1")


def test_columns_of_numbers_can_be_made_categories(csv):
    data = load_table(csv("a,zip,c", "1,30,x", "2,4,y", "3,,x", "4,30,y"), "c", categorical=["zip"])
    assert data.categories == {1: ("4", "30")}
    np.testing.assert_array_equal(data.X[:, 1], [1, 0, np.nan, 1])


def test_dropped_columns_are_gone(csv):
    data = load_table(csv(*TABLE), "cls", drop=["num"])
    assert data.feature_names == ("cat",)
    assert load_table(csv(*TABLE), "cls", drop="num").fingerprint == data.fingerprint


def test_parquet_types_are_understood(tmp_path):
    frame = pd.DataFrame(
        {
            "nullable": pd.array([1, None, 3, 4], dtype="Int64"),
            "flag": pd.array([True, None, False, True], dtype="boolean"),
            "kind": pd.Categorical(["m", "l", None, "m"], categories=["m", "l", "s"]),
            "size": pd.Categorical(["m", "l", None, "m"], categories=["s", "m", "l"], ordered=True),
            "text": ["x", " ", "y", "x"],
            "cls": [0, 1, 0, 1],
        }
    )
    frame.to_parquet(tmp_path / "t.parquet")
    data = load_table(str(tmp_path / "t.parquet"), "cls")
    nan = np.nan
    assert data.categories == {
        1: ("False", "True"),
        2: ("l", "m", "s"),
        3: ("s", "m", "l"),
        4: ("x", "y"),
    }
    expected = [[1, 1, 1, 1, 0], [nan, nan, 0, 2, nan], [3, 0, nan, nan, 1], [4, 1, 1, 1, 0]]
    np.testing.assert_array_equal(data.X, expected)


def test_a_relative_path_is_looked_up_here_first_then_in_data_dir(tmp_path, monkeypatch):
    here, there = tmp_path / "here", tmp_path / "there"
    for folder, n_rows in ((here, 12), (there, 20)):
        folder.mkdir()
        write_csv(folder / "t.csv", n_rows)
    monkeypatch.chdir(here)
    assert len(load_table("t.csv", "class", data_dir=str(there)).y) == 12
    (here / "t.csv").unlink()
    assert len(load_table("t.csv", "class", data_dir=str(there)).y) == 20


def test_a_separator_can_be_given_and_is_detected(csv):
    plain = load_table(csv(*TABLE, name="plain.csv"), "cls")
    path = csv(*(line.replace(",", ";") for line in TABLE))
    assert load_table(path, "cls", separator=";").fingerprint == plain.fingerprint
    found = load_table(path, "cls")
    assert found.fingerprint == plain.fingerprint
    assert [str(notice) for notice in found.notices] == [
        "'dataset.separator=\";\"' was detected. [detected-format]"
    ]
    odd = csv(*(line.replace(",", "!") for line in TABLE))
    with pytest.raises(DataError, match=r"has one column, 'num!cat!cls'; set dataset\.separator"):
        load_table(odd, "cls")
    assert load_table(odd, "cls", separator="!").fingerprint == plain.fingerprint


@pytest.mark.parametrize(
    ("lines", "options", "sentence"),
    [
        (
            TABLE,
            {"target": "clss"},
            r"dataset\.target=clss: .* no such column .*mean 'cls'.*num, cat",
        ),
        (TABLE, {"drop": ["nun"]}, r"dataset\.drop=nun: .* no such column .*did you mean 'num'"),
        (TABLE, {"categorical": ["ca"]}, r"dataset\.categorical=ca: .*did you mean 'cat'"),
        (TABLE, {"drop": ["cls"]}, r"dataset\.drop=cls: is the target"),
        (TABLE, {"drop": ["num", "cat"]}, "no column is left beside the target"),
        (["a,c", "1,x", "2,x"], {}, r"dataset\.target=c: every row has the class 'x'"),
        (["a,c", "1,x", "2,", "3,y"], {}, r"dataset\.target=c: 1 of 3 rows have no class"),
        (["a,c", "1,0.5", "2,1", "3,2"], {}, r"dataset\.target=c: .* name no class, such as 0\.5"),
        (["a,c", "1,inf", "2,1.0"], {}, r"dataset\.target=c: .* name no class, such as inf"),
        (
            ["a,c", *(f"{i % 5},{i}" for i in range(30))],
            {},
            r"dataset\.target=c: has 30 different values in 30 rows, fewer than 10 rows a class",
        ),
        (
            ["a,c", "1,x", "inf,y"],
            {},
            "column 'a': has infinite values .*or set 'dataset.drop=.a.'",
        ),
        (["a,b,a,c", "1,2,3,x", "1,2,3,y"], {}, "two columns are named 'a'; rename one of them"),
        (
            ["id,c", "u1,x", "u2,y", "u3,x"],
            {},
            r"no column is left.*column 'id': has another text in each of the 3 rows.*is left out",
        ),
        (["b,c", ",x", ",y"], {}, r"no column is left.*column 'b': holds no value"),
        ([",a,c", "0,1,x", "1,2,y"], {}, r"column without a name.*'dataset.drop=.\"Unnamed: 0\".'"),
        (["a,c", "1,x", "2,y,z"], {}, r"cannot be read as \.csv \(ParserError: .*line 3"),
        (["a,c", "1,x,2", "1,y,3"], {}, r"cannot be read as \.csv \(ParserWarning"),
        (["a,c"], {}, "has a header but no rows"),
    ],
)
def test_a_table_that_cannot_be_used_is_one_sentence_with_the_fix(csv, lines, options, sentence):
    with pytest.raises(DataError, match=sentence) as caught:
        load_table(
            csv(*lines), **{"target": "c" if "c" in lines[0].split(",") else "cls", **options}
        )
    assert "\n" not in str(caught.value)
    assert str(caught.value).endswith(".")


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("a.xls", b"x", r"the suffix '\.xls' is unknown .*; imbench reads \.csv, \.tsv"),
        ("a.xlsx", b"x", r"cannot be read as \.xlsx \(BadZipFile"),
        ("a.csv.gz", b"x", r"cannot be read as \.csv \(BadGzipFile"),
        ("a.zip", b"x", r"cannot be read as \.csv \(BadZipFile"),
        ("a.cvs", b"x", r"the suffix '\.cvs' is unknown \(did you mean '\.csv'\?\)"),
        ("a.csv", b"", "the file is empty"),
        ("a.csv", b"\n\n", r"cannot be read as \.csv \(EmptyDataError"),
        ("a.csv", b"caf\xe9,b\n1,2\n", r"line 1 is not UTF-8; set dataset\.encoding=latin-1"),
        ("a.parquet", b"PAR1 but no more", r"cannot be read as \.parquet \(ArrowInvalid"),
        ("a.dat", b"", "the file is empty"),
    ],
)
def test_a_damaged_file_is_one_sentence(tmp_path, name, content, sentence):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError, match=rf"^dataset\.path=.*{sentence}") as caught:
        load_table(str(tmp_path / name), "c")
    assert "\n" not in str(caught.value)


def test_dates_and_lists_are_rejected_at_once(tmp_path):
    frame = pd.DataFrame(
        {"d": pd.to_datetime(["2020-01-01", "2021-01-01"]), "l": [[1], [2]], "c": [0, 1]}
    )
    frame["x"] = [1.0, 2.0]
    frame.to_parquet(tmp_path / "t.parquet")
    with pytest.raises(DataError) as caught:
        load_table(str(tmp_path / "t.parquet"), "c")
    dates, lists, both = str(caught.value).splitlines()
    assert "column 'd': holds dates ('2020-01-01 00:00:00'); set 'dataset.drop=[d]'" in dates
    assert "column 'l': holds objects of type ndarray; set 'dataset.drop=[l]'." in lists
    assert both.endswith("for these 2 columns at once: 'dataset.drop=[d,l]'.")
    assert load_table(str(tmp_path / "t.parquet"), "c", drop=["d", "l"]).feature_names == ("x",)


def test_a_missing_file_is_reported_with_the_folders_searched(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_csv(tmp_path / "churn.csv")
    with pytest.raises(
        DataError, match=r"working directory .* or in data_dir=null \(did .*'churn.csv'"
    ):
        load_table("chrn.csv", "class")
    with pytest.raises(DataError, match="no such file; give the path"):
        load_table("/nowhere/x.csv", "class")
    with pytest.raises(DataError, match=f"dataset.path={tmp_path}: is a folder"):
        load_table(str(tmp_path), "class")
    with pytest.raises(DataError, match=r"data_dir=/nowhere: no such folder.*IMBENCH_DATA"):
        load_table("x.csv", "class", data_dir="/nowhere")


def test_missing_keys_are_named(csv):
    with pytest.raises(ConfigError, match=r"^dataset\.path is missing: set dataset\.path=FILE"):
        load_table()
    with pytest.raises(ConfigError, match=r"^dataset\.target is missing: .*num, cat, cls"):
        load_table(csv(*TABLE))
    with pytest.raises(ValueError, match="drop must be a list of column names, got 3"):
        load_table(csv(*TABLE), "cls", drop=3)


def test_telco_has_a_numeric_column_with_11_missing_values(data_dir):
    data = load_dataset(dataset_node("dataset=telco_churn", f"data_dir={data_dir}"))
    assert dict(zip(data.class_names, data.counts, strict=True)) == {"No": 5174, "Yes": 1869}
    assert data.X.shape == (7043, 19)
    charges = data.feature_names.index("TotalCharges")
    assert np.isnan(data.X).sum(axis=0).nonzero()[0].tolist() == [charges]
    assert np.isnan(data.X[:, charges]).sum() == 11
    numeric = set(range(19)) - set(data.categories)
    assert {data.feature_names[i] for i in numeric} == {
        "SeniorCitizen",
        "tenure",
        "MonthlyCharges",
        "TotalCharges",
    }
    contract = data.feature_names.index("Contract")
    assert data.categories[contract] == ("Month-to-month", "One year", "Two year")


def test_telcos_identifier_is_left_out_with_a_notice(data_dir):
    node = dataset_node("dataset=telco_churn", f"data_dir={data_dir}")
    as_it_comes = load_dataset({**node, "drop": []})
    assert as_it_comes.fingerprint == load_dataset(node).fingerprint
    (notice,) = as_it_comes.notices
    assert notice.code == "identifier-text"
    assert "'customerID': has another text in each of the 7,043 rows" in notice.words


def test_keel_tables_are_chosen_by_name(data_dir):
    node = dataset_node("dataset=keel", "dataset.table=yeast4", f"data_dir={data_dir}")
    data = load_dataset(node)
    assert data.name == "yeast4"
    assert dict(zip(data.class_names, data.counts, strict=True)) == {
        "negative": 1433,
        "positive": 51,
    }
    with pytest.raises(DataError, match=r"dataset\.table=yeast5: .*did you mean 'yeast"):
        load_dataset({**node, "table": "yeast5"})
    with pytest.raises(ConfigError, match=r"dataset\.table is missing: set dataset\.table=NAME"):
        load_dataset({**node, "table": None})
    with pytest.raises(DataError, match="set data_dir= or the environment variable IMBENCH_DATA"):
        load_dataset({**node, "data_dir": None})
