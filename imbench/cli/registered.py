"""The word ``registered=NAME`` of commands that save a model."""

from __future__ import annotations

from pathlib import Path

from imbench.components.extras import require
from imbench.errors import ConfigError

KEY = "registered"


def taken_from(words: list[str]) -> str | None:
    """Take ``registered=NAME`` out of the words of a command, and return the name.

    Raises
    ------
    ConfigError
        If MLflow is missing or would refuse the name, or there are two.

    Examples
    --------
    >>> words = ["seed=1", "registered=churn"]
    >>> taken_from(words), words
    ('churn', ['seed=1'])
    """
    found = [word for word in words if word.partition("=")[0] == KEY]
    if not found:
        return None
    if len(found) > 1:
        raise ConfigError(f"{' '.join(found)}: a model has one name, such as {found[0]}.")
    from imbench.report.mlflow.registry import check_name

    require("mlflow", found[0])
    words.remove(found[0])
    name = found[0].partition("=")[2]
    check_name(name)
    return name


def put_in_registry(folder: Path, name: str, results_dir: Path) -> None:
    """Register a saved model in the MLflow store of a results folder, and print its address."""
    from imbench.report.mlflow.registry import default_uri, register

    uri = default_uri(results_dir)
    print(f"registered: {register(folder, name, uri)} (MLFLOW_TRACKING_URI={uri})")
