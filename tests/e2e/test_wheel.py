"""The wheel works by itself: configuration included, and away from the checkout."""

import os
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

from tests.conftest import ROOT


def said_by(words, **options):
    """Run a command that must succeed, and return what it prints."""
    done = subprocess.run(words, capture_output=True, text=True, check=False, **options)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    folder = tmp_path_factory.mktemp("dist")
    said_by([sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", folder], cwd=ROOT)
    (path,) = folder.glob("imbench-*.whl")
    return path


@pytest.fixture(scope="module")
def imbench(wheel, tmp_path_factory):
    """Return a function that runs the installed command in a folder without the checkout."""
    home = tmp_path_factory.mktemp("installed")
    venv.create(home / "venv", with_pip=False, symlinks=True)
    python = home / "venv" / "bin" / "python"
    pip = [sys.executable, "-m", "pip", "--python", python, "--disable-pip-version-check"]
    said_by([*pip, "install", "--quiet", "--no-deps", "--no-index", "--no-compile", wheel])
    (site,) = (home / "venv").glob("lib/python*/site-packages")
    # What it depends on is taken from here. The path comes after that of the wheel, and a `.pth`
    # file in it, as that of an editable install of the checkout, is not read.
    (site / "dependencies.pth").write_text("\n".join(p for p in sys.path if "site-packages" in p))
    (home / "work").mkdir()
    hidden = ("PYTHONPATH", "IMBENCH_DATA", "IMBENCH_RESULTS")
    environment = {key: value for key, value in os.environ.items() if key not in hidden}

    def run(*words, program="imbench"):
        words = [str(home / "venv" / "bin" / program), *words]
        return said_by(words, cwd=home / "work", env=environment)

    return run


@pytest.mark.process
def test_the_wheel_holds_the_package_and_the_configuration_and_nothing_else(wheel):
    names = zipfile.ZipFile(wheel).namelist()
    assert {name.split("/")[0] for name in names} == {
        "imbench",
        f"{wheel.stem.split('-py3')[0]}.dist-info",
    }
    for folder, place in (("imbench", "imbench"), ("conf", "imbench/conf")):
        files = [
            p for p in (ROOT / folder).rglob("*") if p.is_file() and "__pycache__" not in p.parts
        ]
        wanted = {f"{place}/{path.relative_to(ROOT / folder).as_posix()}" for path in files}
        assert wanted <= set(names)
    assert not [name for name in names if name.endswith((".pyc", ".ipynb"))]


@pytest.mark.process
def test_the_installed_command_works_away_from_the_checkout(imbench):
    code = "import imbench; print(imbench.__file__)"
    place = Path(imbench("-P", "-c", code, program="python").strip())
    assert not place.is_relative_to(ROOT)
    assert "site-packages" in place.parts
    assert imbench("--help").startswith("imbench says which remedy")
    assert "arXiv 1708.02002" in imbench("list", "strategies")
    cell = ["dataset=synthetic", "dataset.n_rows=120", "splits=holdout", "model=knn"]
    assert "f1_macro" in imbench(*cell, "tracking=none")
    assert list((place.parents[0] / "conf" / "strategy").glob("smote.yaml"))
