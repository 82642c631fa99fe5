"""What is imported when: heavy packages late, each of a few in one place."""

import ast
import importlib
import subprocess
import sys
from pathlib import Path

import pytest

import imbench
from tests.dataset_files import write_idx

PACKAGE = Path(imbench.__file__).parent
FILES = sorted(PACKAGE.rglob("*.py"))
HEAVY = ("torch", "torchvision", "sklearn", "imblearn", "mlflow", "hydra", "optuna", "matplotlib")


NOT_FOR_WHAT_IS_STORED = {*HEAVY, "pandas", "scipy.stats", "joblib", "sqlalchemy"} - {"hydra"}


def loaded_after(code, cwd=PACKAGE.parent):
    """Return the modules that a fresh process has loaded after some code, by their full names."""
    probe = (
        f"import sys, contextlib, io; sys.path.insert(0, {str(PACKAGE.parent)!r})\n"
        "with contextlib.redirect_stdout(io.StringIO()):\n"
        f"    {code}\n"
        "print(*sys.modules)"
    )
    found = subprocess.run(
        [sys.executable, "-c", probe],
        capture_output=True,
        text=True,
        check=True,
        cwd=cwd,
    )
    return set(found.stdout.split())


def imported_by(path):
    """Return the top-level packages that a module imports anywhere, in functions too."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            names.add(str(node.module).partition(".")[0])
    return names


@pytest.mark.process
@pytest.mark.parametrize(
    ("code", "absent"),
    [
        ("import imbench; imbench.ConfigError, imbench.__version__", HEAVY),
        ("from imbench.cli import main; main(['--help'])", HEAVY),
        ("from imbench.cli import main; main(['list', 'strategies'])", HEAVY),
        (
            "from imbench.cli import main; main(['--cfg'])",
            ("torch", "torchvision", "sklearn", "imblearn", "mlflow", "matplotlib"),
        ),
        (
            "import imbench.run, imbench.report.tables",
            ("torch", "torchvision", "mlflow", "hydra", "optuna", "matplotlib"),
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_not_needed_is_not_loaded(code, absent):
    assert not set(absent) & loaded_after(code)


@pytest.fixture(scope="module")
def stored_cell(tmp_path_factory, empty_store):
    """A folder with the results of a net's cell, exported to MLflow; and the words of it."""
    folder = tmp_path_factory.mktemp("stored")
    empty_store(folder / "results")
    words = ["dataset=synthetic", "model=mlp", "strategy=focal", "splits.n_splits=2"]
    words += ["model.estimator.epochs=1", "device=cpu"]
    loaded = loaded_after(f"from imbench.cli import main; assert main({words}) == 0", folder)
    assert {"torch", "sklearn"} <= loaded  # MLflow and Matplotlib are in the tracker's process
    return folder, words


FEW_NEED = (
    "imblearn", "sklearn.compose", "sklearn.linear_model", "sklearn.metrics", "sklearn.neighbors",
    "sklearn.model_selection", "torchvision", "torch._dynamo",
)  # fmt: skip


@pytest.mark.process
def test_a_net_on_an_official_split_needs_little_of_scikit_learn_and_no_sampler(tmp_path):
    write_idx(tmp_path / "MNIST")
    words = ["dataset=mnist", "dataset/imbalance=none", f"data_dir={tmp_path}", "splits=official"]
    words += ["model.estimator.epochs=1", "strategy=focal", "device=cpu", "tracking=none"]
    loaded = loaded_after(f"from imbench.cli import main; assert main({words}) == 0", tmp_path)
    assert {"torch", "sklearn.base"} <= loaded
    assert not set(FEW_NEED) & loaded


@pytest.mark.process
def test_a_cell_that_is_stored_and_exported_loads_nothing_that_fits_or_draws(stored_cell):
    folder, words = stored_cell
    code = f"from imbench.cli import main; assert main({words}) == 0"
    assert not NOT_FOR_WHAT_IS_STORED & loaded_after(code, folder)


@pytest.mark.process
def test_a_sweep_of_stored_cells_loads_nothing_either(stored_cell):
    folder, words = stored_cell
    code = f"from imbench.cli import main; assert main(['-m', *{words}, 'seed=0,0']) == 0"
    assert not NOT_FOR_WHAT_IS_STORED & loaded_after(code, folder)


@pytest.mark.process
def test_stored_results_are_audited_and_reported_without_torch_and_mlflow(stored_cell):
    folder, _ = stored_cell
    audit = loaded_after("from imbench.cli import main; assert main(['audit']) == 0", folder)
    assert not NOT_FOR_WHAT_IS_STORED & audit
    report = loaded_after("from imbench.cli import main; assert main(['report']) == 0", folder)
    assert not {"torch", "torchvision", "mlflow", "imblearn", "optuna"} & report


def test_hydra_is_imported_by_the_command_line_alone():
    users = {p.relative_to(PACKAGE) for p in FILES if {"hydra", "omegaconf"} & imported_by(p)}
    assert users == {Path("config/compose.py")}


def test_mlflow_is_imported_by_the_export_and_saved_models_alone():
    users = {str(p.relative_to(PACKAGE)) for p in FILES if "mlflow" in imported_by(p)}
    export = {name for name in users if name.startswith("report/mlflow/")}
    assert "report/mlflow/tracker.py" in export
    assert users - export == {"api/serving/files.py", "api/serving/loading.py"}


def test_optuna_is_imported_by_the_tuner_and_its_storage_alone():
    users = {str(p.relative_to(PACKAGE)) for p in FILES if "optuna" in imported_by(p)}
    assert users == {"run/tuning/optuna.py", "run/tuning/storage.py"}


def test_ray_is_imported_by_its_executor_alone():
    users = {str(p.relative_to(PACKAGE)) for p in FILES if "ray" in imported_by(p)}
    assert users == {"run/executors/ray.py"}


def test_nothing_but_test_helpers_imports_pytest_and_nothing_imports_tests():
    for path in FILES:
        names = imported_by(path)
        assert "tests" not in names, path
        assert "pytest" not in names or path.parent.name == "testing", path


def test_every_public_name_is_there_and_none_is_listed_twice():
    assert len(imbench.__all__) == len(set(imbench.__all__)) <= 30
    for name in imbench.__all__:
        assert getattr(imbench, name) is not None


def test_a_public_name_is_the_object_whatever_was_imported_before():
    # Importing imbench.x sets the attribute x of the package: no public name may be called so.
    for name, module in imbench._PUBLIC.items():
        found = getattr(importlib.import_module(module), name)
        assert getattr(imbench, name) is found, f"imbench.{name} is hidden by a module"


def test_a_name_that_is_not_there_is_an_attribute_error_and_dir_shows_those_that_are():
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        imbench.nonsense  # noqa: B018
    assert set(imbench.__all__) <= set(dir(imbench))


def test_no_module_keeps_mutable_lists_at_its_top():
    # Frozen by convention: tables of constants are tuples, or dictionaries in capitals.
    for path in FILES:
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.Assign) and isinstance(node.value, ast.List):
                names = [t.id for t in node.targets if isinstance(t, ast.Name)]
                assert names == ["__all__"], (path, names)


def test_submodules_can_be_imported_by_themselves():
    for name in ("imbench.strategies", "imbench.models", "imbench.report", "imbench.testing"):
        assert importlib.import_module(name).__doc__
