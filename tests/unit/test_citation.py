"""CITATION.cff says the same as pyproject.toml, with the keys that its format demands."""

import tomllib

import yaml

from tests.conftest import ROOT


def test_the_citation_agrees_with_the_project():
    cited = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert {"cff-version", "message", "title", "authors"} <= cited.keys()
    assert cited["cff-version"] == "1.2.0"
    assert cited["title"].startswith(project["name"])
    assert (cited["version"], cited["license"]) == (project["version"], project["license"])
