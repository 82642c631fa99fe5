"""How a text file is divided into cells: compression, encoding, separator, header, comments."""

import bz2
import gzip
import io
import lzma
import zipfile

import pytest

from imbench.data.columns import Format
from imbench.data.text_files import SPACES, Layout, detect_separator, read_text, split_suffix
from imbench.errors import DataError

TEXT = "a,b,c\n1,u,x\n2,v,y\n"


@pytest.fixture
def read(tmp_path):
    """Write bytes or text to a file and return its cells as lists, with the header first."""

    def _read(content, name="t.csv", **layout):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        frame, _ = read_text(path, Layout(**layout), Format())
        rows = frame.astype(object).where(frame.notna(), None).to_numpy().tolist()
        return [list(frame.columns), *rows]

    return _read


CELLS = [["a", "b", "c"], ["1", "u", "x"], ["2", "v", "y"]]


def zipped(*names):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name in names:
            archive.writestr(name, TEXT)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("t.csv", TEXT.encode()),
        ("t.CSV", TEXT.encode()),
        ("t.csv.gz", gzip.compress(TEXT.encode(), mtime=0)),
        ("t.gz", gzip.compress(TEXT.encode(), mtime=0)),
        ("t.csv.bz2", bz2.compress(TEXT.encode())),
        ("t.csv.xz", lzma.compress(TEXT.encode())),
        ("t.zip", zipped("inside.csv")),
        ("t.csv.zip", zipped("folder/", "folder/inside.csv", "__MACOSX/x")),
        ("t.csv", TEXT.encode("utf-8-sig")),
        ("t.csv", TEXT.encode("utf-16")),
        ("t.csv", TEXT.replace("\n", "\r\n").encode()),
        ("t.csv", TEXT.replace("\n", "\r").encode()),
        ("t.csv", TEXT.rstrip().encode()),
        ("t.csv", b"\n" + TEXT.encode() + b"\n\n"),
    ],
    # Not by content: an archive holds the time at which it was packed, and workers differ in it.
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_compression_and_encoding_are_recognised(read, name, content):
    assert read(content, name) == CELLS


@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".txt", ".data"])
@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
def test_the_separator_is_detected_whatever_the_suffix(read, suffix, separator):
    assert read(TEXT.replace(",", separator), f"t{suffix}") == CELLS


@pytest.mark.parametrize("separator", [r"\s+", r"\t", ";", "!", None])
def test_the_separator_can_be_given(read, separator):
    written = {r"\s+": "   ", r"\t": "\t", None: ","}.get(separator, separator)
    assert read(TEXT.replace(",", written), separator=separator) == CELLS


def test_blanks_divide_where_nothing_else_does(read):
    assert read(TEXT.replace(",", "  "), "t.txt") == CELLS
    assert detect_separator("a b\n1 2\n", None) == SPACES
    assert detect_separator("a\n1\n", ",") is None


def test_decimal_commas_do_not_hide_the_separator(read):
    assert read("a;b\n1,5;2,5\n3,5;4,5\n") == [["a", "b"], ["1,5", "2,5"], ["3,5", "4,5"]]


def test_without_a_header_columns_are_numbered(read):
    assert read("1,u\n2,v\n", header=False) == [["0", "1"], ["1", "u"], ["2", "v"]]


def test_a_header_of_numbers_is_refused_with_both_ways_out(read):
    with pytest.raises(DataError, match=r"2 numbers \(1, 2, u, ...\).*header=false, or .*=true if"):
        read("1,2,u\n3,4,v\n")
    assert read("id,2019,2020\n1,2,3\n", header=True)[0] == ["id", "2019", "2020"]


def test_comments_are_left_out_where_a_sign_is_given(read):
    assert read("# made, by\n" + TEXT.replace("x\n", "x # odd\n"), comment="#") == [
        ["a", "b", "c"], ["1", "u", "x "], ["2", "v", "y"],
    ]  # fmt: skip


def test_a_separator_at_the_end_of_each_line_makes_no_column(read):
    assert read(TEXT.replace("\n", ",\n")) == CELLS


def test_quotes_protect_separators_and_line_breaks(read):
    assert read('a,b\n"1,5","u\nv"\n2,"w ""x"""\n') == [
        ["a", "b"], ["1,5", "u\nv"], ["2", 'w "x"'],
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("content", "name", "layout", "words"),
    [
        (b"a,b\ncaf\xe9,1\n", "t.csv", {}, "line 2 is not UTF-8; set dataset.encoding=latin-1"),
        (TEXT.encode(), "t.csv", {"encoding": "klingon"}, "dataset.encoding=klingon: is not known"),
        (b"a,b\n1,2\n3\n", "t.csv", {}, "line 3 has 1 cells, the first has 2; mend the file"),
        (b"a,a\n1,2\n", "t.csv", {}, "two columns are named 'a'; rename one"),
        (zipped("a.csv", "b.csv"), "t.zip", {}, "the archive holds 2 files"),
        (zipped(), "t.zip", {}, "the archive holds 0 files"),
    ],
)
def test_what_cannot_be_read_is_said(read, content, name, layout, words):
    with pytest.raises(DataError) as caught:
        read(content, name, **layout)
    assert words in str(caught.value)


def test_latin_1_can_be_given(read):
    assert read(b"a,b\ncaf\xe9,1\n", encoding="latin-1")[1] == ["café", "1"]


@pytest.mark.parametrize(
    ("name", "suffixes"),
    [("a.csv", (".csv", "")), ("a.parquet.gz", (".parquet", ".gz")), ("a", ("", ""))],
)
def test_a_compression_is_no_suffix_of_its_own(tmp_path, name, suffixes):
    assert split_suffix(tmp_path / name) == suffixes
