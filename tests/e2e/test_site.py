"""The site of docs/: its pages are reached, its links hold, its gallery runs, and it opens."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import webbrowser
from pathlib import Path

import pytest

from imbench.cli import docs_command, main
from tests.conftest import ROOT

DOCS = ROOT / "docs"
INDEX = (DOCS / "index.md").read_text(encoding="utf-8")
GALLERY = sorted((DOCS / "gallery").glob("plot_*.py"))


def test_every_page_stands_in_the_navigation() -> None:
    trees = re.findall(r"```\{toctree\}\n(.*?)```", INDEX, re.DOTALL)
    named = {m[1] or m[0] for t in trees for m in re.findall(r"^([\w/*]+)$|<(\S+)>$", t, re.M)}
    pages = {path.stem for path in DOCS.glob("*.md")} - {"index"}
    assert pages - named == set(), "add them to a toctree of docs/index.md"


@pytest.mark.process
def test_the_site_builds_without_a_warning_and_without_a_network(tmp_path: Path) -> None:
    # In a copy: what `bash scripts/docs.sh` has built stays as it is.
    made = shutil.ignore_patterns("_build", "auto_gallery", "project", "published")
    shutil.copytree(DOCS, tmp_path / "docs", ignore=made)
    for name in ("CONTRIBUTING.md", "conf", "imbench", "results", "scripts", "tests"):
        (tmp_path / name).symlink_to(ROOT / name)
    out = tmp_path / "docs" / "_build" / "html"
    words = ["-W", "--keep-going", "-q", "-b", "html", "-D", "plot_gallery=0", "docs", str(out)]
    done = subprocess.run(
        [sys.executable, "-m", "sphinx", *words],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert (out / "searchindex.js").is_file()
    text = (out / "api.html").read_text(encoding="utf-8")
    for name in ("compare", "recommend", "make", "load", "BalancedSampler", "Dataset"):
        assert f'id="imbench.{name}"' in text
    fetched = re.compile(r"<(?:script|img|link)[^>]*(?:src|href)=\"(?:https?:)?//[^\"]*")
    found = {p.name: fetched.findall(p.read_text(encoding="utf-8")) for p in out.rglob("*.html")}
    assert {name: urls for name, urls in found.items() if urls} == {}
    own = (out / "own_models.html").read_text(encoding="utf-8")
    assert 'href="project/contributing.html#add-a-loss"' in own


@pytest.mark.process
@pytest.mark.slow
@pytest.mark.parametrize("path", GALLERY, ids=lambda path: path.stem)
def test_the_gallery_runs(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr(sys, "path", list(sys.path))
    names = {"__name__": path.stem}
    try:
        exec(compile(path.read_text(encoding="utf-8"), str(path), "exec"), names)
        assert plt.get_fignums() or "figure" in names  # each shows something
    finally:
        plt.close("all")
        for module in ("my_losses", "my_pipeline", "my_splits", "my_training"):
            sys.modules.pop(module, None)


def test_docs_opens_the_site(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    opened: list[str] = []
    monkeypatch.setattr(webbrowser, "open", opened.append)
    monkeypatch.setattr(docs_command, "SITE", tmp_path)
    assert main(["docs"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "is not there: bash scripts/docs.sh" in line
    (tmp_path / "index.html").write_text("<title>imbench</title>")
    assert main(["docs", "--no-browser"]) == 0
    assert opened == []
    assert main(["docs"]) == 0
    assert opened == [(tmp_path / "index.html").as_uri()]
    assert capsys.readouterr().out.splitlines() == [str(tmp_path / "index.html")] * 2
