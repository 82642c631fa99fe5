"""The three lines on what was read, and the notices below them."""

import numpy as np

from imbench.data.dataset import Dataset
from imbench.data.description import describe, notice_lines
from imbench.data.notices import Notice


def table(n_classes=2, notices=()):
    y = np.repeat(np.arange(n_classes), np.arange(n_classes, 0, -1))
    names = tuple(f"c{k}" for k in range(n_classes))
    return Dataset("t", np.arange(len(y), dtype=float)[:, None], y, names, notices=notices)


def test_of_many_classes_the_largest_and_the_rarest_are_named():
    line = describe(table(9))[1]
    assert line.startswith("t: classes: c0 9 (20.00 %), c1 8 (17.78 %)")
    assert line.endswith("c4 5 (11.11 %), 3 more, c8 1 (2.22 %)")


def test_columns_that_are_left_out_are_named_with_the_reason():
    words = {"dropped": "left out.", "constant-column": "holds 1.", "empty-column": "is empty."}
    notices = [Notice(code, text, f"{code}: x") for code, text in words.items()]
    data = table(notices=tuple(notices))
    assert describe(data)[0] == (
        "t: 3 rows, 1 column: 1 numeric; left out: 'dropped: x' (dataset.drop), "
        "'constant-column: x' (constant), 'empty-column: x' (empty)"
    )
    assert list(notice_lines(data)) == []


def test_notices_of_one_code_are_counted_from_the_seventh_on():
    notices = tuple(Notice("leading-zeros", f"column 'z{i}': zeros.") for i in range(9))
    lines = list(notice_lines(table(notices=notices)))
    assert lines[0] == "t: column 'z0': zeros. [leading-zeros]"
    assert lines[6:] == ["t: 3 more such columns. [leading-zeros]"]
