"""Check where a command writes and reads, before anything is looked up there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from imbench.errors import ConfigError

PLACES = {
    "results_dir": "give the folder that results go to, such as results_dir=results",
    "data_dir": "give the folder that holds the data sets, or data_dir=null",
}
MAX_PATH = 4000  # bytes; no system takes longer paths
MAX_NAME = 255  # bytes; nor longer names of files and folders


def check_places(config: Mapping[str, Any]) -> None:
    """Raise ConfigError if ``results_dir`` or ``data_dir`` is no path, or cannot be one.

    Examples
    --------
    >>> check_places({"results_dir": "results", "data_dir": None})
    >>> try:
    ...     check_places({"results_dir": None})
    ... except ConfigError as error:
    ...     print(error)
    results_dir=null is no path: give the folder that results go to, such as results_dir=results.
    """
    for key, fix in PLACES.items():
        value = config.get(key)
        if key == "data_dir" and value in (None, ""):
            continue
        problem = _problem(value)
        if problem:
            shown = "null" if value is None else value
            raise ConfigError(f"{key}={str(shown)[:200]!s} {problem}: {fix}.")
    tracking = config.get("tracking")
    uri = str(tracking.get("uri")) if isinstance(tracking, Mapping) else ""
    if "?" in str(config["results_dir"]) and uri.startswith("sqlite:///"):
        raise ConfigError(
            f"results_dir={config['results_dir']}: MLflow's address of a database cannot hold a "
            "question mark: take another name, or set tracking=none."
        )


def _problem(value: object) -> str:
    """Return what is wrong with a path, or an empty string."""
    if not isinstance(value, str):
        return "is no path"
    if not value.strip():
        return "is empty, which would be the working directory"
    if "\0" in value or "\n" in value:
        return "holds a line break or a zero byte"
    if len(value.encode("utf-8", "surrogateescape")) > MAX_PATH:
        return f"is longer than {MAX_PATH} bytes"
    if any(len(part.encode("utf-8", "surrogateescape")) > MAX_NAME for part in value.split("/")):
        return f"holds a name of more than {MAX_NAME} bytes"
    return ""
