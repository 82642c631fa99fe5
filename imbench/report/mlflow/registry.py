"""Put a saved model into the registry of MLflow."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from imbench.errors import ConfigError
from imbench.report.mlflow.address import Address, first_line
from imbench.report.mlflow.quiet import quiet
from imbench.report.mlflow.tracker import MlflowTracker

FORBIDDEN = "/:"  # in names of the registry, where MLflow's addresses have them


def default_uri(results_dir: str | Path | None = None) -> str:
    """Return the address of the MLflow store where none is given.

    It is the variable MLFLOW_TRACKING_URI, or the file in the results folder.

    Examples
    --------
    >>> default_uri("results")
    'sqlite:///results/mlflow.db'
    """
    folder = results_dir or os.environ.get("IMBENCH_RESULTS", "results")
    return os.environ.get("MLFLOW_TRACKING_URI") or f"sqlite:///{folder}/mlflow.db"


def check_name(name: str) -> None:
    """Check the name of a registered model before anything is fitted.

    Raises
    ------
    ConfigError
        If MLflow would refuse it.

    Examples
    --------
    >>> check_name("churn")
    """
    if not name.strip() or set(name) & set(FORBIDDEN):
        raise ConfigError(
            f"registered={name}: a name of the registry is not empty and holds neither '/' nor "
            "':', such as registered=churn."
        )


def register(folder: Path, name: str, uri: str, experiment: str = "imbench") -> str:
    """Log the files of a saved model as a LoggedModel, and make a version of it in the registry.

    Parameters
    ----------
    folder : Path
        Of a model that was saved.
    name : str
        Of the registered model, which is made if there is none.
    uri : str
        Database or server, as ``tracking.uri``.
    experiment : str, default="imbench"

    Returns
    -------
    str
        Address of the version, ``models:/NAME/1``.

    Raises
    ------
    ConfigError
        If the name or the store is refused.
    """
    check_name(name)
    artifacts = Path(uri.removeprefix("sqlite:///")).parent / "mlflow-artifacts"
    client, experiment_id = MlflowTracker(uri, experiment, str(artifacts)).opened()
    try:
        with quiet(), _global_uri(Address(uri).absolute):
            model = client.create_logged_model(experiment_id, name=name)
            client.log_model_artifacts(model.model_id, str(folder))
            client.finalize_logged_model(model.model_id, "READY")
            if not client.search_registered_models(f"name = '{name}'"):
                client.create_registered_model(name)
            made = client.create_model_version(
                name, source=f"models:/{model.model_id}", model_id=model.model_id
            )
    except Exception as error:  # mlflow, sqlalchemy, requests and the file system
        raise ConfigError(
            f"registered={name}: the store refused the model ({first_line(error)}); it is saved "
            f"in {folder}."
        ) from error
    return f"models:/{name}/{made.version}"


@contextmanager
def _global_uri(uri: str) -> Iterator[None]:
    """Set MLflow's own store, in which it looks for the model of a version."""
    import mlflow

    before = mlflow.get_tracking_uri() if mlflow.tracking.is_tracking_uri_set() else None
    mlflow.set_tracking_uri(uri)
    try:
        yield
    finally:
        mlflow.set_tracking_uri(before)  # type: ignore[arg-type]  # None unsets it
