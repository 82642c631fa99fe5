"""What comes back from a file equals what was written, or a sentence says why not."""

import io

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from imbench.data.columns import MISSING_NUMBERS
from imbench.data.dataset import Dataset
from imbench.data.table import load_table
from imbench.errors import ImbenchError

pytestmark = pytest.mark.slow  # seconds as a whole

FAST = settings(
    max_examples=40,
    deadline=None,
    database=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)

numbers = st.one_of(
    st.none(),
    st.integers(-(10**9), 10**9).map(float),
    st.floats(allow_nan=False, allow_infinity=False),
)
text = st.text(
    st.characters(blacklist_categories=("Cs", "Cc", "Zl", "Zp", "Zs")), min_size=1, max_size=8
)
names = st.lists(
    text.filter(lambda name: name.strip() == name), min_size=3, max_size=3, unique=True
)


def read(path, frame, separator=",", **options) -> Dataset | str:
    """Write a table, read it, and return the data set or the sentence."""
    frame.to_csv(path, index=False, sep=separator)
    try:
        return load_table(str(path), str(frame.columns[-1]), **options)
    except ImbenchError as error:
        return str(error)


@FAST
@given(cells=st.lists(numbers, min_size=4, max_size=12), separator=st.sampled_from(",;\t|"))
def test_numbers_come_back_bit_by_bit(tmp_path, cells, separator):
    n = len(cells)
    frame = pd.DataFrame(
        {"v": cells, "n": np.arange(n) / 8, "c": ["x", "y"] * (n // 2) + ["x"] * (n % 2)}
    )
    data = read(tmp_path / "t.csv", frame, separator)
    assert isinstance(data, Dataset), data
    left = [notice for notice in data.notices if notice.code in ("constant-column", "empty-column")]
    if left:
        assert frame["v"].nunique(dropna=False) == 1
    else:
        np.testing.assert_array_equal(data.X[:, 0], frame["v"].to_numpy(float))


@FAST
@given(cells=st.lists(text, min_size=4, max_size=12), separator=st.sampled_from(",;\t|"))
def test_text_comes_back_or_a_sentence_says_why_not(tmp_path, cells, separator):
    n = len(cells)
    frame = pd.DataFrame(
        {"v": cells, "n": np.arange(n) / 8, "c": ["x", "y"] * (n // 2) + ["x"] * (n % 2)}
    )
    data = read(tmp_path / "t.csv", frame, separator)
    if isinstance(data, str):
        assert "column 'v'" in data
        return
    if 0 in data.categories:
        codes = data.X[:, 0].astype(int)
        assert [data.categories[0][code] for code in codes] == [cell.strip() for cell in cells]
    elif len(data.feature_names) == 1:
        assert data.notices
    else:
        found = data.X[:, 0]
        kept = [cell for cell, value in zip(cells, found, strict=True) if not np.isnan(value)]
        assert all(
            np.isclose(float(cell.replace("\u2212", "-")), v)
            for cell, v in zip(kept, found[~np.isnan(found)], strict=True)
        )
        dropped = {cell for cell, value in zip(cells, found, strict=True) if np.isnan(value)}
        assert dropped <= set(MISSING_NUMBERS)


@FAST
@given(names=names, separator=st.sampled_from(",;\t|"))
def test_names_of_columns_come_back_or_a_sentence_says_why_not(tmp_path, names, separator):
    frame = pd.DataFrame(np.array([[1.5, 2, 0], [2.5, 4, 1], [3.5, 5, 0]]), columns=names)
    data = read(tmp_path / "t.csv", frame, separator, header=True)
    assert isinstance(data, Dataset), data
    assert data.feature_names == tuple(names[:2])


@FAST
@given(
    cells=st.lists(st.floats(-1e9, 1e9).map(lambda x: round(x, 3)), min_size=4, max_size=9),
    signs=st.sampled_from(
        [(".", None), (",", None), (".", ","), (",", "."), (",", " "), (".", "'")]
    ),
)
def test_numbers_come_back_with_their_signs(tmp_path, cells, signs):
    decimal, thousands = signs

    def written(x):
        plain = f"{x:,.3f}" if thousands else f"{x:.3f}"
        return plain.translate(str.maketrans({",": thousands or "", ".": decimal}))

    n = len(cells)
    frame = pd.DataFrame({"v": map(written, cells), "n": range(n), "c": [i % 2 for i in range(n)]})
    data = read(tmp_path / "t.csv", frame, ";", decimal=decimal, thousands=thousands)
    assert isinstance(data, Dataset), data
    if data.feature_names == ("v", "n"):
        np.testing.assert_array_equal(data.X[:, 0], cells)
    else:
        assert len(set(cells)) == 1


ROLES = {
    "groups": text,
    "time": st.one_of(st.dates().map(str), st.floats(-1e9, 1e9).map(str)),
    "weight": st.floats(0, 1e9).map(str),
    "test": st.sampled_from(["train", "test", "Test", "TRAIN"]),
}


@settings(FAST, max_examples=20)
@given(cells=st.data(), separator=st.sampled_from(",;\t|"))
@pytest.mark.parametrize("role", ROLES)
def test_a_role_comes_back_or_a_sentence_says_why_not(tmp_path, role, cells, separator):
    cells = cells.draw(st.lists(ROLES[role], min_size=4, max_size=12))
    n = len(cells)
    frame = pd.DataFrame(
        {"r": cells, "n": np.arange(n) / 8, "c": np.where(np.arange(n) % 2, "x", "y")}
    )
    data = read(tmp_path / "t.csv", frame, separator, **{role: "r"})
    if isinstance(data, str):
        assert f"dataset.{role}=r: " in data or "have weight 0: give" in data
        return
    assert data.feature_names == ("n",)
    if role == "groups":  # equal names are equal numbers, and no others are
        pairs = set(zip([cell.strip() for cell in cells], data.groups.tolist(), strict=True))
        assert (
            len(pairs) == len({cell for cell, _ in pairs}) == len({number for _, number in pairs})
        )
    elif role == "test":
        assert data.test_index.tolist() == [i for i in range(n) if cells[i].lower() == "test"]
    elif role == "time" and "-" in cells[0][1:] and "e" not in cells[0]:
        days = np.array(cells, "datetime64[D]").astype(np.int64)
        np.testing.assert_array_equal(data.time, days)
    else:
        np.testing.assert_array_equal(data.roles[role], list(map(float, cells)))


@FAST
@given(content=st.binary(max_size=200))
@pytest.mark.parametrize("suffix", [".csv", ".parquet", ".xlsx", ".arff", ".csv.gz", ".zip"])
def test_no_bytes_end_in_anything_but_a_sentence(tmp_path, suffix, content):
    path = tmp_path / f"t{suffix}"
    path.write_bytes(content)
    with pytest.raises(ImbenchError) as caught:
        load_table(str(path), "no such column")
    assert str(caught.value).endswith(".")


def test_a_frame_that_is_written_and_read_by_pandas_is_the_same():
    buffer = io.StringIO()
    frame = pd.DataFrame({"v": [0.1, 1 / 3]})
    frame.to_csv(buffer, index=False)
    assert pd.read_csv(io.StringIO(buffer.getvalue()), dtype=object)["v"].map(float).tolist() == [
        0.1,
        1 / 3,
    ]
