"""Without the packages of optional extras: what needs none runs, the rest is one sentence."""

import re
import subprocess
import sys
import tomllib

import numpy as np
import pytest

from imbench.cli import main
from imbench.components.construct import resolve
from imbench.components.extras import EXTRAS, demand, is_installed
from imbench.errors import ConfigError, ImbenchError
from imbench.report.mlflow.tracker import MlflowTracker
from tests.conftest import ROOT

CELL = ["dataset=synthetic", "dataset.n_rows=120", "splits=holdout", "model=knn"]
MLFLOW = "MLflow is not installed, pip install 'imbench[mlflow]' does that"
OPTIONAL = [
    "alembic", "catboost", "faiss", "lightgbm", "mlflow", "onnxruntime", "openpyxl", "psycopg",
    "ray", "skl2onnx", "sqlalchemy.dialects.postgresql", "torchvision", "xgboost",
]  # fmt: skip


@pytest.fixture
def without(monkeypatch):
    """Hide packages, as if they were not installed."""

    def hide(*names):
        for name in names:
            for loaded in [one for one in sys.modules if one.split(".")[0] == name]:
                monkeypatch.delitem(sys.modules, loaded)
            monkeypatch.setitem(sys.modules, name, None)

    return hide


@pytest.fixture
def run(tmp_path, capsys):
    def run(*words):
        code = main([*words, f"results_dir={tmp_path / 'results'}"])
        return code, *capsys.readouterr()

    return run


def project():
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def name_of(requirement):
    return requirement.split(">")[0].split("[")[0]


def test_every_package_of_an_extra_is_in_that_extra_and_not_demanded_of_all():
    extras = project()["optional-dependencies"]
    for package, extra in EXTRAS.items():
        names = {name_of(one).removesuffix("-cpu") for one in extras[extra]}
        assert package in names, package
    always = {name_of(one) for one in project()["dependencies"]}
    assert not always & {"mlflow", "torchvision", "catboost", "lightgbm", "xgboost", "ray"}


def test_the_extra_of_developers_has_all_others():
    extras = project()["optional-dependencies"]
    (own,) = (one for one in extras["dev"] if one.startswith("imbench["))
    assert set(own.removeprefix("imbench[").rstrip("]").split(",")) == set(extras) - {"dev"}


def test_without_mlflow_the_default_runs_and_one_sentence_says_how_to_get_it(
    without, run, tmp_path
):
    without("mlflow")
    for _ in range(2):  # the second time everything is stored
        code, out, err = run(*CELL)
        assert code == 0
        assert "f1_macro" in out
        assert "compare in the MLflow UI" not in out
        said = [line for line in err.splitlines() if "MLflow" in line]
        assert len(said) == 1
        assert said[0].startswith(
            f"imbench: tracking: results are stored in {tmp_path / 'results'}"
        )
        assert "pip install 'imbench[mlflow]'" in said[0]
    assert not (tmp_path / "results" / "mlflow.db").exists()
    assert run(*CELL, "tracking=none")[2] == ""


@pytest.mark.parametrize("word", ["tracking=mlflow", "tracking.uri=http://me:secret@127.0.0.1:9"])
def test_without_mlflow_tracking_that_is_asked_for_is_refused_before_anything_runs(
    word, without, run, tmp_path
):
    without("mlflow")
    code, out, err = run(*CELL, word)
    assert (code, out) == (2, "")
    shown = word.replace("secret", "***")
    assert err == f"imbench: {shown}: {MLFLOW}; or set tracking=none.\n"
    assert not (tmp_path / "results" / "runs").exists()


def test_without_mlflow_export_and_ui_and_registry_are_one_sentence(without, tmp_path, capsys):
    without("mlflow")
    (tmp_path / "runs").mkdir()
    for words in (
        ["ui", str(tmp_path)],
        ["fit", "knn/none", "table.csv", "--runs", str(tmp_path / "runs")],
        ["recommend", "table.csv", "--target", "y", "registered=churn"],
    ):
        assert main(words) == 2, words
        err = capsys.readouterr().err
        assert err.endswith(f"{MLFLOW}.\n"), words
        assert err.count("\n") == 1
    with pytest.raises(ConfigError, match=r"imbench\[mlflow\]"):
        MlflowTracker(f"sqlite:///{tmp_path}/mlflow.db").check()


def test_without_mlflow_a_model_is_not_saved_and_the_sentence_says_why(without, tmp_path):
    from imbench import ImbalancedClassifier

    X = np.arange(40.0).reshape(20, 2)
    fitted = ImbalancedClassifier("none", "knn").fit(X, np.arange(20) % 2)
    without("mlflow")
    with pytest.raises(ImbenchError, match=r"MLflow's format: .*imbench\[mlflow\]"):
        fitted.save(tmp_path / "model")
    assert list(tmp_path.iterdir()) == []


def test_without_torchvision_a_net_of_it_is_refused_before_anything_runs(without, monkeypatch):
    without("torchvision")
    module = "imbench.models.nets.backbones.resnet18"
    monkeypatch.delitem(sys.modules, module, raising=False)
    node = {"_target_": f"{module}.ResNet18"}
    with pytest.raises(ConfigError, match=r"torchvision is not installed, .*imbench\[vision\]"):
        resolve(node, "model.estimator.backbone")
    with pytest.raises(ModuleNotFoundError, match="imbench"):
        demand("torchvision")


def test_without_torchvision_a_download_is_refused(without, run):
    without("torchvision")
    code, _, err = run("dataset=fashion_mnist", "model=knn", "tracking=none")
    assert code in (1, 2)
    assert "dataset.source=FashionMNIST: torchvision is not installed" in err
    assert "pip install 'imbench[vision]'" in err


def test_a_package_that_is_there_is_installed():
    assert is_installed("numpy")
    assert not is_installed("no_such_package")


@pytest.mark.process
def test_without_any_extra_a_run_a_report_and_lists_work(tmp_path):
    code = (
        f"import sys; sys.modules.update(dict.fromkeys({OPTIONAL}))\n"
        "from imbench.cli import main\n"
        f"cell = {CELL} + ['model=mlp', 'model.estimator.epochs=1', 'device=cpu']\n"
        "for words in (cell, ['report'], ['list', 'models']):\n"
        "    assert main(words) == 0, words\n"
    )
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code],
        cwd=tmp_path,
        env={"PYTHONPATH": str(ROOT), "PATH": "", "OMP_NUM_THREADS": "1", "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    assert done.stderr.count("imbench[mlflow]") == 1


def test_without_mlflow_a_recommendation_says_that_its_model_is_not_saved(
    without, tmp_path, capsys
):
    from imbench.cli.recommend_command import _save

    without("mlflow")
    _save(None, tmp_path / "model", None, tmp_path)
    err = capsys.readouterr().err
    assert err.startswith("imbench: the model is not saved")
    assert "pip install 'imbench[mlflow]'" in err
    assert list(tmp_path.iterdir()) == []


def test_the_page_on_installation_lists_every_extra():
    page = (ROOT / "docs" / "install.md").read_text(encoding="utf-8")
    found = re.findall(r"^\| `([a-z]+)` \|", page, re.MULTILINE)
    assert found == sorted(set(project()["optional-dependencies"]) - {"dev"})
