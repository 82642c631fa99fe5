"""docs/reliability.md holds what a run of these tests has written, and names tests that exist."""

import importlib
import re

from tests.conftest import ROOT

PAGE = (ROOT / "docs" / "reliability.md").read_text(encoding="utf-8")
ROWS = re.findall(
    r"^\| (.+) \| ([\d,]+).* \| (\d+) \| `(\w+)` in \[(\w+)\.py\]", PAGE, re.MULTILINE
)


def test_every_promise_names_the_test_that_holds_it():
    assert len(ROWS) > 10
    for _, _, lost, test, module in ROWS:
        assert lost == "0"
        assert callable(getattr(importlib.import_module(f"tests.faults.{module}"), test))


def test_the_total_is_that_of_the_rows():
    (total,) = re.findall(r": ([\d,]+) faults, lost: 0\.", PAGE)
    assert int(total.replace(",", "")) == sum(int(row[1].replace(",", "")) for row in ROWS)
