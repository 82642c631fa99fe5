"""A saved model in MLflow's registry."""

import pytest

from imbench.report.mlflow.registry import register

pytestmark = pytest.mark.slow


def test_a_relative_store_is_that_of_the_working_directory(tmp_path, monkeypatch, empty_store):
    for name in ("one", "two"):
        place = tmp_path / name
        (place / "model").mkdir(parents=True)
        (place / "model" / "card.md").write_text("# A model\n")
        empty_store(place / "results")
        monkeypatch.chdir(place)
        made = register(place / "model", "churn", "sqlite:///results/mlflow.db")
        assert made == "models:/churn/1"
