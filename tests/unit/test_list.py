"""`imbench list`: metrics, splits, experiments and checks, each with one sentence."""

import re

import pytest

from imbench.cli import main
from imbench.config import catalogue
from imbench.data.notices import CODE_WORDS, CODES, LEAKS
from imbench.results.metric_options import HIGHER_IS_BETTER
from imbench.results.metric_words import METRIC_WORDS
from tests.conftest import ROOT

SHIPPED = catalogue.conf_dir()


def listed(capsys, *words):
    """Return the rows that are printed, by name."""
    assert main(["list", *words]) == 0
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    return {words[0]: " ".join(words[1:]) for words in lines if words}


@pytest.mark.parametrize("words", [METRIC_WORDS, CODE_WORDS])
def test_every_word_is_one_sentence_that_fits_a_line(words):
    for name, sentence in words.items():
        assert sentence.endswith("."), name
        assert "\n" not in sentence
        assert len(sentence) <= 80, name


def test_every_metric_is_listed_with_its_direction(capsys):
    assert list(METRIC_WORDS) == list(HIGHER_IS_BETTER)
    rows = listed(capsys, "metrics")
    for name, is_higher in HIGHER_IS_BETTER.items():
        better = "higher" if is_higher else "lower"
        assert rows[name].split(maxsplit=1) == [better, METRIC_WORDS[name]]
    assert rows["f2_minority"].startswith("higher Added by metrics=[default,f2]")


def test_a_metric_of_the_users_is_listed_with_the_files_comment(tmp_path, capsys):
    (tmp_path / "metrics").mkdir()
    node = "{_target_: no_such_module.bad, higher_is_better: false}"
    text = f"# How bad it is.\nextra:\n  badness: {node}\n"
    (tmp_path / "metrics" / "bad.yaml").write_text(text)
    rows = listed(capsys, "metrics", "--config-dir", str(tmp_path))
    assert rows["badness"] == "lower How bad it is."


@pytest.mark.parametrize(("group", "folder"), [("splits", "splits"), ("experiments", "experiment")])
def test_files_without_about_are_listed_with_their_first_comment(group, folder, capsys):
    rows = listed(capsys, group)
    items = catalogue.items(folder, [SHIPPED])
    assert {item.name for item in items} == {p.stem for p in (SHIPPED / folder).glob("*.yaml")}
    for item in items:
        assert item.summary.endswith((".", "?")), item.name
        assert rows[item.name].split()[:3] == item.summary.split()[:3]


def test_a_comment_ends_at_the_first_command_and_at_the_first_key():
    assert catalogue.first_comment("# @package _global_\n# A\n# b.\n#   x=1\n# C\n") == "A b."
    assert catalogue.first_comment("a: 1 # no\n# C\n") == ""
    assert catalogue.first_comment("") == ""


def test_every_check_is_listed_and_leaks_are_told(capsys):
    rows = listed(capsys, "checks")
    for code in CODES:
        kind = "leak" if code in LEAKS else "notice"
        assert rows[code].split(maxsplit=1) == [kind, CODE_WORDS[code]]


def test_the_page_of_checks_has_the_same_words():
    text = (ROOT / "docs" / "checks.md").read_text(encoding="utf-8")
    found = re.findall(r"^\| \[`([a-z-]+)`\]\(#([a-z-]+)\) \| (leak)? ?\| (.+) \|$", text, re.M)
    assert found == [
        (code, code, "leak" if code in LEAKS else "", words) for code, words in CODE_WORDS.items()
    ]


def test_a_misspelt_list_is_told_the_nearest(capsys):
    assert main(["list", "metric"]) == 2
    assert "did you mean 'metrics'?" in capsys.readouterr().err
