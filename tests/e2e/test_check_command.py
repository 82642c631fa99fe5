"""``imbench check``, and the notices of a run."""

import re
import shlex
from pathlib import Path

import numpy as np
import pytest

from tests.e2e.conftest import Run, says, table_words


def write(path: Path, n: int = 60, **columns: np.ndarray) -> Path:
    """Write a table with two ordinary columns, a target, and further columns."""
    rng = np.random.default_rng(0)
    table = {"x": rng.normal(size=n).round(6), "z": rng.exponential(size=n).round(6), **columns}
    y = np.where(np.arange(n) % 3 == 0, "yes", "no")
    lines = [",".join([*table, "target"])]
    lines += [",".join(map(str, row)) for row in zip(*table.values(), y, strict=True)]
    path.write_text("\n".join(lines) + "\n")
    return path


@pytest.fixture
def plain(tmp_path: Path) -> Path:
    return write(tmp_path / "plain.csv")


@pytest.fixture
def with_id(tmp_path: Path) -> Path:
    return write(tmp_path / "with id.csv", **{"Row (1)": np.arange(60)})


def notices(text: str) -> list[str]:
    return [line for line in text.splitlines() if line.startswith("notice: ")]


def test_a_plain_table_has_no_notice(run: Run, plain: Path) -> None:
    done = run("check", str(plain), "--target", "target")
    assert (done.code, done.err) == (0, "")
    assert "60 rows" in done.out
    assert done.out.endswith("no notice.\n")


def test_a_possible_leak_is_told_with_advice_that_works(run: Run, with_id: Path) -> None:
    done = run("check", str(with_id), "--target", "target")
    assert (done.code, done.err) == (1, "")
    (notice,) = notices(done.out)
    assert notice.endswith(" [identifier-column]")
    (advice,) = re.findall(r"set (.+) if it is", notice)
    done = run("check", str(with_id), "--target", "target", "--set", *shlex.split(advice))
    assert (done.code, notices(done.out)) == (0, [])


def test_settings_need_no_option(run: Run, with_id: Path) -> None:
    words = ("dataset.drop=[Row (1)]", 'dataset.drop=["Row (1)"]')
    says(run("check", str(with_id), "--target", "target", words[0]), shlex.quote(words[1]))
    for order in (
        ("check", str(with_id), "--target", "target", words[1], "splits.n_splits=3"),
        ("check", words[1], str(with_id), "--set", "splits.n_splits=3", "--target=target"),
        ("check", "dataset=table", f"dataset.path={with_id}", "dataset.target=target", words[1]),
    ):
        done = run(*order)
        assert (done.code, notices(done.out)) == (0, [])
    assert run("check", "dataset=synthetic", "dataset.n_rows=200").code == 0
    says(run("check", str(with_id), "target"), "target: there is one FILE")


def test_a_class_that_is_not_there_is_refused_as_by_a_run(run: Run, plain: Path) -> None:
    for word in ("metrics.minority=7", "metrics.columns=[recall/7]", "costs={7:3}"):
        checked = run("check", str(plain), "--target", "target", word)
        ran = run(*table_words(plain, word))
        assert (checked.code, ran.code) == (2, 2)
        assert checked.err.splitlines()[-1] == ran.err.splitlines()[-1]
        assert "no class '7'" in checked.err


def test_more_rows_than_are_tested_cannot_be_looked_at(run: Run, plain: Path) -> None:
    for word, code in (("metrics.k=12", 2), ("metrics.k=11", 0)):
        checked = run("check", str(plain), "--target", "target", word)
        ran = run(*table_words(plain, word, "splits.n_repeats=1"))
        assert (checked.code, ran.code) == (code, code)
        told = "metrics.k=12: the test parts of dataset=plain have 12 rows at most"
        assert [told in done.err for done in (checked, ran)] == [code == 2] * 2


def test_a_notice_that_is_no_leak_is_no_failure(run: Run, plain: Path) -> None:
    done = run("check", str(plain), "--target", "target", "--set", "splits.n_splits=12")
    assert done.code == 0
    (notice,) = notices(done.out)
    assert notice.endswith(" [small-class]")
    silenced = ("--set", "splits.n_splits=12", "checks.ignore=[small-class]")
    assert not notices(run("check", str(plain), "--target", "target", *silenced).out)


def test_the_target_may_be_a_place_and_the_data_set_another(run: Run, plain: Path) -> None:
    assert run("check", str(plain), "--target", "-1").code == 0
    done = run("check", "--set", "dataset=synthetic", "dataset.n_rows=200")
    assert (done.code, done.out.count("200 rows")) == (0, 1)


def test_what_is_wrong_is_one_sentence(run: Run, plain: Path) -> None:
    says(run("check"), "give a FILE")
    says(run("check", "no.csv", "--target", "x"), "dataset.path=no.csv")
    says(run("check", str(plain), "--target", "targt"), "did you mean 'target'")
    wrong = run("check", str(plain), "--target", "target", "--set", "checks.ignore=[small-clas]")
    says(wrong, "small-clas", "did you mean 'small-class'")
    assert wrong.code == 2


def test_a_run_tells_its_notices_once_before_it_fits(run: Run, with_id: Path) -> None:
    words = table_words(with_id, "-m", "strategy=none,random_over", "splits.n_repeats=1")
    done = run(*words)
    assert done.code == 0, done.err
    (notice,) = notices(done.err)
    assert notice.startswith("notice: dataset=with id: column 'Row (1)' counts the rows")
    assert not notices(run(*words).err)  # everything is stored, nothing is fitted


def test_a_run_is_silent_where_there_is_nothing_or_the_code_is_ignored(
    run: Run, plain: Path, with_id: Path
) -> None:
    assert not notices(run(*table_words(plain)).err)
    assert not notices(run(*table_words(with_id, "checks.ignore=[identifier-column]")).err)


def test_ignored_codes_do_not_change_the_run(run: Run, with_id: Path, tmp_path: Path) -> None:
    run(*table_words(with_id))
    first = sorted(p.relative_to(tmp_path) for p in (tmp_path / "results").rglob("*.json"))
    done = run(*table_words(with_id, "checks.ignore=[identifier-column]"))
    assert done.code == 0
    second = sorted(p.relative_to(tmp_path) for p in (tmp_path / "results").rglob("*.json"))
    assert first == second


def test_many_notices_are_shortened_with_the_command_for_all(run: Run, tmp_path: Path) -> None:
    constant = {f"c{i}": np.ones(60, int) for i in range(12)}
    rows = np.arange(60)
    path = write(tmp_path / "my table.csv", day=rows // 2, unused=rows, **constant)
    done = run(*table_words(path, "dataset.drop=[unused]"))
    assert done.code == 0, done.err
    lines = notices(done.err)
    assert len(lines) == 3
    assert "[sorted-by-column]" in lines[0]
    assert "[constant-column]" in lines[1]
    (command,) = re.findall(r": and 11 more: python -m imbench (.+)", lines[2])
    everything = run(*shlex.split(command))
    assert len(notices(everything.out)) == 13


def test_help_names_the_command(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert "check FILE" in run("--help").out
    with pytest.raises(SystemExit):
        run("check", "--help")
    assert "--target COLUMN" in capsys.readouterr().out
