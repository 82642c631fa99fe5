"""Packages that come with an optional extra of imbench, and what to say where one is missing."""

from __future__ import annotations

import importlib.util

from imbench.errors import ConfigError

EXTRAS = {
    "catboost": "boosting",
    "faiss": "neighbors",
    "lightgbm": "boosting",
    "mlflow": "mlflow",
    "torchvision": "vision",
    "xgboost": "boosting",
}
"""The extra of each package that components import, by its import name."""
NAMES = {"mlflow": "MLflow"}  # as its makers write it


def is_installed(package: str) -> bool:
    """Return whether a package can be found, without importing it.

    Examples
    --------
    >>> is_installed("numpy"), is_installed("no_such_package")
    (True, False)
    """
    return importlib.util.find_spec(package) is not None


def install(package: str) -> str:
    """Return the command that installs the extra of a package.

    Examples
    --------
    >>> print(install("mlflow"))
    pip install 'imbench[mlflow]'
    """
    return f"pip install 'imbench[{EXTRAS[package]}]'"


def absent(package: str) -> str:
    """Return :func:`missing` if a package is not installed, else an empty string.

    Examples
    --------
    >>> import sys
    >>> from unittest.mock import patch
    >>> with patch.dict(sys.modules, {"mlflow": None}):  # as if it were not there
    ...     print(absent("mlflow"))
    MLflow is not installed, pip install 'imbench[mlflow]' does that
    """
    return "" if is_installed(package) else missing(package)


def missing(package: str) -> str:
    """Return the words for a package that is not installed, without a full stop.

    Examples
    --------
    >>> print(missing("mlflow"))
    MLflow is not installed, pip install 'imbench[mlflow]' does that
    """
    return f"{NAMES.get(package, package)} is not installed, {install(package)} does that"


def require(package: str, what: str) -> None:
    """Check a package before it is imported.

    Parameters
    ----------
    package : str
    what : str
        Key and value, or command, that needs it: the start of the message.

    Raises
    ------
    ConfigError
        If it is not installed.
    """
    if words := absent(package):
        raise ConfigError(f"{what}: {words}.")


def demand(package: str) -> None:
    """Check a package at the top of a module that imports it only later.

    Raises
    ------
    ModuleNotFoundError
        If it is not installed: as its import would, but before anything runs.
    """
    if words := absent(package):
        raise ModuleNotFoundError(f"{words}.", name=package)
