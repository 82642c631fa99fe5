"""The quickstart says what the README shows, and what it tells is true."""

import json
import re

import pytest

from tests.conftest import ROOT
from tests.e2e.conftest import Done, Run

ROW = re.compile(
    r"^\| (?P<label>[\w+]+) \| (?P<gain>[+-][\d.]+) \[.*?\] \| . (?P<verdict>[\w ]+) \|"
)


def shown() -> dict[str, tuple[float, str]]:
    """Return gain and verdict of each row of the README's first table."""
    text = (ROOT / "README.md").read_text(encoding="utf-8").partition("## On your table")[0]
    rows = filter(None, map(ROW.match, text.splitlines()))
    return {row["label"]: (float(row["gain"]), row["verdict"]) for row in rows}


def told(done: Done) -> dict[str, dict]:
    rows = [json.loads(line) for line in done.out.splitlines()]
    return {row["label"]: row for row in rows if row["label"] != "none"}


@pytest.mark.slow
def test_the_first_table_of_the_readme_is_what_the_command_says(run: Run) -> None:
    done = run("experiment=quickstart", "output=json")
    assert done.code == 0
    found, table = told(done), shown()
    assert found.keys() == table.keys()
    for label, (gain, verdict) in table.items():
        assert found[label]["verdict"] == verdict, label
        # The last digits depend on the machine.
        assert found[label]["gain"] == pytest.approx(gain, abs=0.01), label
    assert {"better", "equal", "worse"} <= {verdict for _, verdict in table.values()}
    assert "take threshold." in done.err


@pytest.mark.slow
def test_what_it_tells_is_true_of_many_further_rows(run: Run) -> None:
    done = run("experiment=quickstart", "splits=official", "splits.n_seeds=5", "output=json")
    truth = told(done)
    for label, (_, verdict) in shown().items():
        low, high = truth[label]["interval"]
        if verdict == "better":
            assert low > 0, label
        elif verdict == "worse":
            assert high < 0, label
        elif verdict == "equal":
            assert -0.01 <= low <= high <= 0.01, label
