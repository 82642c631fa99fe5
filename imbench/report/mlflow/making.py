"""Make the tables of MLflow in a new SQLite file.

Called by :mod:`imbench.report.mlflow.tracker` with MLflow imported.
"""

from __future__ import annotations

from pathlib import Path


def make(path: Path) -> None:
    """Make an empty MLflow store in a file that does not exist, by MLflow's own migrations."""
    from mlflow import MlflowClient

    uri = f"sqlite:///{path.resolve()}"
    MlflowClient(tracking_uri=uri, registry_uri=uri).search_experiments(max_results=1)


def newest() -> str:
    """Return the revision of the tables that :func:`make` makes.

    The scripts of MLflow's migrations are read as alembic reads them, in 0.1 s.
    """
    import mlflow.store.db_migrations as migrations
    from alembic.script import ScriptDirectory

    (folder,) = migrations.__path__
    return str(ScriptDirectory(folder).get_current_head())
