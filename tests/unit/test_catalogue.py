"""What there is: discovered from files, with one line, stage and paper for each."""

import pytest
import yaml

from imbench.cli import main
from imbench.config import catalogue
from imbench.errors import ConfigError
from imbench.strategies import STAGES

SHIPPED = [catalogue.conf_dir()]

STRATEGY = """\
about:
  mine: {summary: Mine., paper: "Me 2024"}
resample:
  mine: {_target_: x.Y}
decision:
  mine: {_target_: x.Z}
"""


def write(folder, name, text):
    path = folder / f"{name}.yaml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


@pytest.mark.parametrize(("group", "number"), [("strategy", 90), ("model", 19), ("dataset", 13)])
def test_every_file_of_a_group_is_an_item_and_their_number_is_known(group, number):
    items = catalogue.items(group, SHIPPED)
    files = {p.stem for p in (catalogue.conf_dir() / group).glob("*.yaml")}
    assert {item.name for item in items} == files
    assert len(items) == number
    assert [item.name for item in items] == sorted(files)


@pytest.mark.parametrize("group", ["strategy", "model", "dataset"])
def test_every_item_says_in_one_line_what_it_is_and_where_it_comes_from(group):
    for item in catalogue.items(group, SHIPPED):
        assert item.summary, item.name
        assert "\n" not in item.summary
        assert item.summary.endswith("."), item.name
        assert item.paper or item.name == "none", item.name


@pytest.mark.parametrize("group", ["strategy", "model"])
def test_the_name_in_a_yaml_is_the_name_of_its_file(group):
    for item in catalogue.items(group, SHIPPED):
        content = yaml.safe_load(item.path.read_text(encoding="utf-8"))
        if group == "model":
            assert content["name"] == (None if item.name == "own" else item.name)
        else:
            assert list(content["about"]) == [item.name]


def test_every_stage_is_filled_by_a_shipped_strategy_in_a_package_of_its_name():
    filled = {stage for item in catalogue.items("strategy", SHIPPED) for stage in item.stages}
    assert filled == set(STAGES)


def test_stages_of_a_bundle_are_listed_in_the_order_of_the_pipeline(tmp_path):
    write(tmp_path, "strategy/mine", STRATEGY)
    (item,) = catalogue.items("strategy", [tmp_path])
    assert item.stages == ("resample", "decision")
    assert item.entries == (("resample", "mine"), ("decision", "mine"))
    assert (item.summary, item.paper) == ("Mine.", "Me 2024")


def test_files_that_fill_a_stage_are_found_in_every_folder(tmp_path):
    write(tmp_path, "strategy/mine", STRATEGY)
    folders = [*SHIPPED, tmp_path]
    assert catalogue.files_of("decision", "mine", folders) == [
        f"{tmp_path.name}/strategy/mine.yaml"
    ]
    assert catalogue.files_of("loss", "focal", folders) == ["conf/strategy/focal.yaml"]
    assert catalogue.files_of("loss", "nothing", folders) == []


def test_an_empty_file_and_one_without_about_are_items_without_words(tmp_path):
    write(tmp_path, "strategy/empty", "")
    write(tmp_path, "strategy/plain", "loss:\n  plain: {_target_: x.Y}\n")
    assert [item.summary for item in catalogue.items("strategy", [tmp_path])] == ["", ""]


@pytest.mark.parametrize(
    "text", ["loss: [a\n", "- a\n- b\n", "about: A strategy of mine.\n", "loss: focal\n"]
)
def test_a_yaml_of_the_wrong_form_is_one_sentence_that_names_the_file(tmp_path, text):
    write(tmp_path, "strategy/broken", text)
    try:
        catalogue.items("strategy", [tmp_path])
    except ConfigError as error:
        assert "broken.yaml" in str(error)  # noqa: PT017, either outcome is right
        assert "\n" not in str(error)  # noqa: PT017


@pytest.mark.parametrize("words", [["strategies"], ["models"], ["datasets"], []])
def test_the_list_names_every_item(words, capsys):
    assert main(["list", *words]) == 0
    printed = capsys.readouterr().out
    group = catalogue.GROUPS[words[0] if words else "strategies"]
    for item in catalogue.items(group, SHIPPED):
        assert item.name in printed


def test_the_list_knows_the_users_folder(tmp_path, capsys):
    write(tmp_path, "strategy/mine", STRATEGY)
    assert main(["list", "strategies", "--config-dir", str(tmp_path)]) == 0
    printed = capsys.readouterr().out
    assert "resample+decision" in printed
    assert "focal" in printed


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["strategie"], "list strategie: there is no such list"),
        (["strategies", "--config-dir", "/no/such/folder"], "--config-dir=/no/such/folder is not"),
    ],
)
def test_a_wrong_list_is_one_sentence_and_exit_code_two(words, sentence, capsys):
    assert main(["list", *words]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith(f"imbench: {sentence}")
    assert captured.err.count("\n") == 1
