import numpy as np
import pandas as pd
import pytest

from imbench.data.arff import read_arff
from imbench.data.keel import load_keel
from imbench.data.table import load_table
from imbench.errors import DataError


@pytest.fixture
def write(tmp_path):
    def _write(text, name="file.arff", **options):
        path = tmp_path / name
        path.write_text(text, **options)
        return path

    return _write


QUOTED = """% a comment
@relation 'a name'

@ATTRIBUTE "body mass" REAL
@attribute 'it''s' {'red, dark', "light \\"blue\\"", green}
@attribute note string
@attribute\tclass\t{yes,no}
@data
% another
1.5, 'red, dark', 'said: \\'hi\\'', yes
?, green, plain, no
-2e3 , "light \\"blue\\"" , '?' ,no
""".replace("it''s", "its")


def test_quotes_comments_and_missing_values_are_read(write):
    frame = read_arff(write(QUOTED)).frame
    assert list(frame.columns) == ["body mass", "its", "note", "class"]
    np.testing.assert_array_equal(frame["body mass"], [1.5, np.nan, -2000.0])
    assert frame["its"].tolist() == ["red, dark", "green", 'light "blue"']
    assert frame["note"].tolist() == ["said: 'hi'", "plain", "?"]
    assert frame["class"].tolist() == ["yes", "no", "no"]


def test_nominal_attributes_keep_the_declared_order(write):
    path = write("@attribute a {z, y, x}\n@attribute c {n, p}\n@data\nx,p\ny,n\nz,n\n")
    data = load_table(str(path))
    assert data.categories == {0: ("z", "y", "x")}
    assert data.X[:, 0].tolist() == [2.0, 1.0, 0.0]


KEEL = """@relation k
@attribute A real [0.5, 2.5]
@attribute B integer[1,4]
@attribute Class{positive, negative}
@attribute D {u, v}
@inputs B, D
@outputs Class
@data
0.5, 1, positive, u
2.5, <null>, negative, v
1.0, 4, negative, <null>
"""


def test_keel_inputs_and_outputs_decide_features_and_target(write):
    data = load_table(str(write(KEEL, "k.dat")))
    assert data.feature_names == ("B", "D")
    assert data.class_names == ("negative", "positive")
    assert data.y.tolist() == [1, 0, 0]
    np.testing.assert_array_equal(data.X, [[1, 0], [np.nan, 1], [4, np.nan]])


def test_a_given_target_overrides_outputs(write):
    data = load_table(str(write(KEEL.replace("<null>\n", "u\n"), "k.dat")), target="D")
    assert data.class_names == ("u", "v")
    assert data.feature_names == ("A", "B", "Class")


def test_the_last_column_is_the_target_where_no_outputs_are_declared(write):
    text = "\n".join(line for line in KEEL.splitlines() if not line.startswith(("@in", "@out")))
    data = load_table(str(write(text.replace("4, negative, <null>", "4, negative, v"), "k.dat")))
    assert data.class_names == ("u", "v")
    assert data.feature_names == ("A", "B", "Class")


def test_windows_line_ends_and_a_byte_order_mark_change_nothing(write):
    plain = load_table(str(write(KEEL, "k.dat")))
    other = load_table(str(write("\ufeff" + KEEL.replace("\n", "\r\n"), "w.dat", newline="")))
    assert plain.fingerprint == other.fingerprint


HEAD = "@relation r\n@attribute a real\n@attribute c {x,y}\n@data\n"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (HEAD + "1,x\n2,y,3\n", "line 6 has 3 values where 2 attributes are declared"),
        (HEAD + "1,x\n2,z\n", "attribute 'c' holds 'z', which its set does not declare"),
        (
            HEAD + "1,x\nabc,y\n",
            "attribute 'a' is numeric, but 1 of 2 values are no number .'abc'.",
        ),
        (HEAD + "{0 1, 1 x}\n", "line 5 is a row of a sparse ARFF file; write it out as dense"),
        (HEAD + "1,'x\n", "line 5 has a quote that does not end"),
        (HEAD.replace("real", "reel"), "line 2 declares the type 'reel'; known are numeric"),
        (HEAD.replace("y}", "y"), "line 3 opens a set of values with '{' and does not close"),
        (HEAD.replace(" c ", " a "), "line 3 declares the attribute 'a' a second time"),
        ("a,b\n1,2\n", "line 1 stands before @data and is no @attribute: 'a,b'"),
        ("@relation r\n", "has no @attribute and @data lines"),
        (HEAD.replace("@data\n", ""), "has no @attribute and @data lines"),
        (HEAD, "has a header but no rows"),
        (KEEL.replace("@outputs Class", "@outputs Klass"), "names 'Klass', .*did you mean 'Class'"),
        (KEEL.replace("@outputs Class", "@outputs A, D"), "has 2 @outputs; set dataset.target to"),
    ],
)
def test_a_damaged_file_is_one_sentence_with_its_line(write, text, sentence):
    with pytest.raises(DataError, match=rf"^dataset\.path=.*file\.arff.*{sentence}"):
        load_table(str(write(text)))


def test_bytes_that_are_no_text_are_reported(tmp_path):
    path = tmp_path / "x.dat"
    path.write_bytes(b"@relation \xff\xfe\n")
    with pytest.raises(DataError, match=r"line 1 is not UTF-8; set dataset\.encoding=latin-1"):
        load_table(str(path))


KEEL_TABLES = 26


@pytest.mark.slow
def test_all_keel_tables_agree_with_a_second_reader(data_dir):
    paths = sorted((data_dir / "keel").glob("*.dat"))
    assert len(paths) == KEEL_TABLES
    ratios, n_missing = [], 0
    for path in paths:
        data = load_keel(path.stem, str(data_dir))
        lines = [line for line in path.read_text().splitlines() if line.strip()]
        rows = [line.split(",") for line in lines if not line.startswith("@")]
        raw = pd.DataFrame(rows).map(str.strip)
        counts = raw.iloc[:, -1].value_counts()
        assert dict(zip(data.class_names, data.counts, strict=True)) == counts.to_dict(), path
        assert data.X.shape == (len(raw), raw.shape[1] - 1)
        for column in range(data.X.shape[1]):
            values, text = data.X[:, column], raw[column].replace("<null>", np.nan)
            there = ~np.isnan(values)
            assert np.array_equal(there, text.notna()), (path, column)
            n_missing += (~there).sum()
            if column in data.categories:
                names = np.array(data.categories[column])
                assert (names[values[there].astype(int)] == text[there]).all(), (path, column)
            else:
                assert np.array_equal(values[there], text[there].astype(float)), (path, column)
        ratios.append(counts.max() / counts.min())
    assert n_missing > 0
    assert min(ratios) == pytest.approx(1.858, abs=0.001)  # wisconsin
    assert max(ratios) == 2160  # nursery, whose rarest class has 2 rows
