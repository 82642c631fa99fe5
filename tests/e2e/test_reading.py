"""From a file to a run: what was read is said, what is wrong is said at once, advice works."""

import re
import shlex
import subprocess
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.e2e.conftest import Done, Run, table_words

LINES = [f"{i % 7}.5,{'uvw'[i % 3]},{'yes' if i % 5 == 0 else 'no'}" for i in range(60)]


def write(path: Path, header: str = "a,b,target", lines: list[str] = LINES) -> Path:
    path.write_text("\n".join([header, *lines]) + "\n", encoding="utf-8")
    return path


def test_what_was_read_is_said_before_anything_is_fitted(run: Run, tmp_path: Path) -> None:
    lines = [f"u{i},{line},1" for i, line in enumerate(LINES)]
    lines[3] = lines[3].replace("3.5", "n/a")
    path = write(tmp_path / "t.csv", "id,a,b,target,same", lines)
    done = run(*table_words(path, "splits.n_splits=2", "output=json"))
    assert done.code == 0
    assert done.err.splitlines()[:3] == [
        "t: 60 rows, 2 columns: 1 numeric, 1 categorical (at most 3 levels); "
        "left out: 'id' (identifier), 'same' (constant)",
        "t: classes: no 48 (80.00 %), yes 12 (20.00 %)",
        "t: 1 cell of 1 column missing (0.83 %); 38 rows repeat another",
    ]
    assert (
        "column 'id': has another text in each of the 60 rows, as identifiers have; it is left "
        "out. 'dataset.categorical=[id]' keeps it. [identifier-text]"
    ) in done.err
    assert "column 'a': 1 cell read as missing ('n/a'). [missing-spelled]" in done.err
    assert run("report").code == 0
    report = (tmp_path / "results" / "report" / "report.md").read_text("utf-8")
    page = (tmp_path / "results" / "report" / "index.html").read_text("utf-8")
    assert all("classes: no 48 (80.00 %), yes 12 (20.00 %)" in text for text in (report, page))


def test_data_that_are_stored_or_made_in_memory_are_not_described(run: Run, tmp_path: Path) -> None:
    words = table_words(write(tmp_path / "t.csv"), "splits.n_splits=2", "output=json")
    assert "t: 60 rows" in run(*words).err
    assert "t: 60 rows" not in run(*words).err
    quick = ("dataset=synthetic", "model=logistic_regression", "splits.n_splits=2")
    assert "rows" not in run(*quick, "output=json").err


def test_all_that_is_wrong_is_said_before_the_sweep(run: Run, tmp_path: Path) -> None:
    lines = [f"2020-01-{i % 28 + 1:02d},${i},{line}" for i, line in enumerate(LINES)]
    path = write(tmp_path / "t.csv", "when,price,a,b,target", lines)
    done = run("-m", *table_words(path, "strategy=none,smote,threshold"))
    assert done.code == 2
    assert done.out == ""
    dates, price = done.err.splitlines()
    assert re.search(r"^imbench: .*column 'when': holds dates .*'dataset.drop=\[when\]'", dates)
    assert re.search(r"^imbench: .*column 'price': holds numbers with '\$'", price)
    assert not list((tmp_path / "results" / "runs").glob("*/*"))


def test_two_files_are_told_together(run: Run, tmp_path: Path) -> None:
    good, bad = write(tmp_path / "good.csv"), write(tmp_path / "bad.csv", "a,b,b")
    words = [w for w in table_words(good) if not w.startswith("dataset.path")]
    done = run("-m", *words, f"dataset.path={good},{bad},{tmp_path}/none.csv")
    assert done.code == 2
    assert "two columns are named 'b'" in done.err
    assert "none.csv: no such file" in done.err


def test_a_table_that_is_not_there_has_no_table_headed_none(run: Run, tmp_path: Path) -> None:
    (tmp_path / "keel").mkdir()
    words = ("dataset=keel", "dataset.table=yeast5", f"data_dir={tmp_path}", "model=knn")
    done = run("-m", *words, "strategy=none,smote")
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith("imbench: dataset=keel: data_dir=")


COLUMNS = ["Signup Date (UTC)", "Exited (0/1)", ">50K", "état", "目标", "a,b", "x#1"]


@pytest.mark.process
@pytest.mark.parametrize("name", COLUMNS)
def test_the_advice_can_be_pasted_into_a_shell(run: Run, tmp_path: Path, name: str) -> None:
    lines = [f"2020-{i % 12 + 1:02d}-01,{line}" for i, line in enumerate(LINES)]
    path = write(tmp_path / "t.csv", f'"{name}",a,b,target', lines)
    words = [*table_words(path), "splits.n_splits=2"]

    def shell(more: str) -> Done:
        """Run the words that a shell makes of a line, without a Python of their own."""
        line = f"printf '%s\\0' {shlex.join(words)} {more}"
        split = subprocess.run(line, shell=True, capture_output=True, text=True, check=True)
        return run(*split.stdout.split("\0")[:-1])

    refused = shell("")
    assert refused.code == 2
    pasted = re.split(r", '?dataset\.time=", refused.err.partition("; set ")[2])[0]
    assert pasted.startswith("'dataset.drop=[")
    assert shell(pasted).code == 0


def test_telco_as_it_comes_has_no_failed_row(run: Run, tmp_path: Path, data_dir: Path) -> None:
    done = run(
        "-m",
        "dataset=table",
        f"dataset.path={data_dir}/csv/telco-customer-churn.csv",
        "dataset.target=Churn",
        "model=logistic_regression",
        "strategy=none,threshold",
        "splits.n_repeats=1",
    )
    assert done.code == 0
    assert "failed" not in done.out
    readme, docs = (ROOT / name for name in ("README.md", "docs/data.md"))
    for line in done.err.splitlines()[:3]:
        assert line in readme.read_text("utf-8")
        assert line in docs.read_text("utf-8")
