"""Keep MLflow's notices, retries and usage statistics away from the terminal and the network."""

from __future__ import annotations

import contextlib
import logging
import os
import warnings
from collections.abc import Iterator


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Silence deprecations, git hints and telemetry while MLflow is imported or called.

    The two variables stay set: MLflow reads them at import and in its own threads.
    """
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    os.environ.setdefault("GIT_PYTHON_REFRESH", "quiet")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


@contextlib.contextmanager
def environment(**values: object) -> Iterator[None]:
    """Set environment variables that the user has not set, for the duration of the block.

    Examples
    --------
    >>> with environment(IMBENCH_EXAMPLE=1):
    ...     os.environ["IMBENCH_EXAMPLE"]
    '1'
    >>> "IMBENCH_EXAMPLE" in os.environ
    False
    """
    added = {key: str(value) for key, value in values.items() if key not in os.environ}
    os.environ.update(added)
    try:
        yield
    finally:
        for key in added:
            os.environ.pop(key, None)


def patience(deadline_s: float) -> contextlib.AbstractContextManager[None]:
    """Return a context in which a request to a server fails within a third of a deadline.

    MLflow itself waits 120 s for an answer, and asks eight times. What the user has set in the
    environment is kept.

    Parameters
    ----------
    deadline_s : float
        Seconds.

    Examples
    --------
    >>> with patience(120):
    ...     os.environ["MLFLOW_HTTP_REQUEST_TIMEOUT"]
    '20'
    """
    return environment(
        MLFLOW_HTTP_REQUEST_TIMEOUT=max(1, round(deadline_s / 6)),
        MLFLOW_HTTP_REQUEST_MAX_RETRIES=1,
        MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR=1,
    )


def silence_loggers() -> None:
    """Raise the level of MLflow's loggers; call it after the import, which sets its own levels.

    Errors reach the user as exceptions.
    """
    logging.getLogger("mlflow").setLevel(logging.CRITICAL)
    logging.getLogger("alembic").setLevel(logging.WARNING)
