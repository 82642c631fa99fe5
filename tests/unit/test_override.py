"""Advice that can be pasted: the shell and the grammar of overrides give back every name."""

import re
import shlex

import numpy as np
import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser
from omegaconf import OmegaConf

from imbench.cli.words import as_override
from imbench.components.override import override
from imbench.config.compose import Composer, _parse
from imbench.data.dataset import Dataset
from imbench.data.imbalance import KeepRatios
from imbench.data.table import load_table
from imbench.errors import ConfigError, DataError
from imbench.results.metric_options import check_classes, metric_options

NAMES = [
    "Churn", "Signup Date (UTC)", "Exited (0/1)", ">50K", "état", "目标", "a,b", "x#1", "true",
    "N/A", "null", "1", "1.5", "1e5", "-", "?", "", " a", "a'b", 'a"b', "a\\", 'a\\"b', "a=b",
    "${x}", "\\${x}", "a:b", "{a}", "[a]", "~a", "#N/A", "%", "$5", "a\tb", "off", "0x1F", "12:30",
    "naïve", "a.b", "x/y", "nan", "(a)",
]  # fmt: skip


@pytest.fixture(scope="module")
def compose():
    """Compose what a shell makes of pasted words."""
    composer = Composer(None)

    def _compose(*pasted):
        words = [word for text in pasted for word in shlex.split(text)]
        (config,) = composer.cells(words, multirun=False)
        return config

    return _compose


def parse(*pasted):
    """Return what overrides set, without composing files: that takes 0.1 s each time."""
    config = OmegaConf.create({})
    for word in (word for text in pasted for word in shlex.split(text)):
        found = OverridesParser.create().parse_override(word)
        OmegaConf.update(config, found.key_or_group, found.value())
    return OmegaConf.to_container(config, resolve=True)


def test_every_name_comes_back_from_a_list(compose):
    lists = compose("dataset=table", override("dataset.drop", NAMES))
    assert lists["dataset"]["drop"] == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_every_name_comes_back_from_a_value(name):
    assert parse(override("dataset.target", name)) == {"dataset": {"target": name}}


COLUMNS = ["Signup Date (UTC)", "Exited (0/1)", ">50K", "état", "目标", "a,b", "x#1", "N/A", "true"]


@pytest.mark.parametrize("name", COLUMNS)
def test_the_advice_on_a_column_works_when_pasted(tmp_path, name):
    path = tmp_path / "t.csv"
    quoted = f'"{name}"'
    rows = [f"{i % 7},{'x' if i == 3 else i},{'ab'[i % 2]}" for i in range(20)]
    path.write_text("\n".join([f"n,{quoted},c", *rows]))
    with pytest.raises(DataError) as caught:
        load_table(str(path), "c")
    advice = [word for word in shlex.split(str(caught.value)) if word.startswith("dataset.")]
    missing, categorical = (word for word in advice if not word.startswith("dataset.path"))
    for word in (missing, categorical):
        keys = parse(shlex.quote(word))["dataset"]
        assert load_table(str(path), "c", **keys).feature_names == ("n", name)


@pytest.mark.parametrize("name", COLUMNS)
def test_a_column_of_any_name_can_be_dropped_and_be_the_target(tmp_path, name):
    path = tmp_path / "t.csv"
    path.write_text("\n".join([f'n,m,"{name}"', *(f"{i % 7},{i},{'ab'[i % 2]}" for i in range(9))]))
    for key in ("target", "drop"):
        written = override(f"dataset.{key}", name if key == "target" else [name])
        data = load_table(str(path), **({"target": "n"} | parse(written)["dataset"]))
        assert name not in data.feature_names


CLASSES = ["true", ">50K", "N/A", "état", "a,b", "no (0/1)", "1", "null"]


def two_classes(name):
    y = np.array([0] * 9 + [1] * 3)
    return Dataset("toy", np.arange(12.0)[:, None], y, ("other", name))


@pytest.mark.parametrize("name", CLASSES)
def test_a_class_of_any_name_can_be_named(compose, name):
    data = two_classes(name)
    config = compose(
        "dataset=digits dataset/imbalance=keep",
        override("metrics.minority", name),
        override("metrics.sort", f"recall/{name}"),
        override("dataset.imbalance.ratios", {name: 0.5}),
    )
    options = metric_options(config["metrics"])
    check_classes(options, data.class_names)
    assert (options.minority, options.sort) == (name, f"recall/{name}")
    ratios = config["dataset"]["imbalance"]["ratios"]
    assert KeepRatios(ratios)(data).counts.tolist() == [9, 1]


@pytest.mark.parametrize("name", CLASSES)
def test_the_advice_on_a_class_works_when_pasted(name):
    data = two_classes(name)
    with pytest.raises(ConfigError) as caught:
        check_classes(metric_options({"minority": "nobody"}), data.class_names)
    pasted = str(caught.value).partition("such as ")[2].removesuffix(".")
    assert metric_options(parse(pasted)["metrics"]).minority == name
    with pytest.raises(ConfigError) as caught:
        check_classes(metric_options({"columns": ["recall/nobody"]}), data.class_names)
    pasted = str(caught.value).partition("such as ")[2].removesuffix(".")
    assert parse(pasted)["metrics"]["columns"] == [f"recall/{name}"]
    with pytest.raises(ConfigError) as caught:
        KeepRatios({"nobody": 0.5})(data)
    pasted = str(caught.value).partition("set them such as ")[2].removesuffix(".")
    config = parse(pasted)
    assert KeepRatios(config["dataset"]["imbalance"]["ratios"])(data).counts.tolist() == [9, 1]


def test_a_truth_value_names_the_class_that_is_written_so():
    names = ("false", "true")
    check_classes(metric_options({"minority": True}), names)
    assert KeepRatios({True: 0.5})(two_classes("true")).counts.tolist() == [9, 1]
    with pytest.raises(ConfigError, match="no class 'True'"):
        check_classes(metric_options({"minority": True}), ("no", "yes"))


@pytest.mark.parametrize("ratios", [3, "cat", [["cat"]], ["cat"]])
def test_ratios_are_a_mapping_or_pairs(ratios):
    with pytest.raises(
        ValueError, match=r"ratios must be such as \{cat: 0\.1\} or \[\[cat,0\.1\]\]"
    ):
        KeepRatios(ratios)


@pytest.mark.parametrize(
    "name", ["my table (1).csv", "a=b.csv", "目标.csv", "it's.csv", "plain.csv"]
)
def test_a_path_needs_no_quotes_beside_those_of_the_shell(name):
    config = parse(shlex.quote(as_override(f"dataset.path=/x/{name}")))
    assert config["dataset"]["path"] == f"/x/{name}"


def test_a_tilde_in_a_path_is_the_home_folder(compose, monkeypatch):
    monkeypatch.setenv("HOME", "/home/me")
    words = [as_override(f"{key}=~/a b/x") for key in ("dataset.path", "data_dir", "results_dir")]
    config = compose("dataset=table", *map(shlex.quote, words))
    assert config["dataset"]["path"] == config["data_dir"] == config["results_dir"]
    assert config["results_dir"] == "/home/me/a b/x"
    sweep = as_override("dataset.path=~/a.csv,~/b.csv")
    assert sweep == "dataset.path=/home/me/a.csv,/home/me/b.csv"


@pytest.mark.parametrize("word", ["dataset.path='~/x'", "results_dir=${oc.env:HOME}/x", "seed=1"])
def test_other_words_stay_as_they_are(word):
    assert as_override(word) == word


@pytest.mark.parametrize(
    "name",
    ["Exited (0/1)", "目标", "état", ">50K", "x#1", "a=b", 'a"b', "it's", "f(x)", "x)", "!x", "*x"],
)
def test_one_odd_value_needs_no_quotes_beside_those_of_the_shell(name):
    (found,) = _parse([f"dataset.target={name}"])
    assert str(found.value()) == name


@pytest.mark.parametrize(
    ("word", "key", "value"),
    [
        ("dataset.drop=[Signup Date (UTC), >50K]", "drop", ["Signup Date (UTC)", ">50K"]),
        ("dataset.target=Price (EUR, net)", "target", "Price (EUR, net)"),
        ("dataset.target=a,b", "target", "a,b"),
    ],
)
def test_of_what_may_be_several_values_the_words_to_paste_are_shown(word, key, value):
    with pytest.raises(ConfigError) as caught:
        Composer(None).cells([word], multirun=False)
    pasted = re.search(r"'dataset\.(?:drop|target)=[^']*'(?= for one|\.$)", str(caught.value))
    assert parse(pasted[0])["dataset"][key] == value


@pytest.mark.parametrize("word", ["dataset.target=[x", "dataset.target={x}", "=", "seed=${x"])
def test_a_broken_list_is_not_taken_for_a_name(word):
    with pytest.raises(ConfigError):
        Composer(None).cells([word], multirun=False)
