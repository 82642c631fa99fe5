"""Errors that a user can cause. Each message is one sentence with key, value and fix."""

from __future__ import annotations


class ImbenchError(Exception):
    """Base class of all errors whose message is shown to the user without a traceback.

    Examples
    --------
    >>> from imbench.errors import ConfigError, ImbenchError
    >>> try:
    ...     raise ConfigError("metrics.ece_bins=0: must be at least 1.")
    ... except ImbenchError as error:
    ...     print(error)
    metrics.ece_bins=0: must be at least 1.
    """


class ConfigError(ImbenchError):
    """A key or a value of the configuration is invalid. It is raised before anything runs."""


class DataError(ImbenchError):
    """The data cannot be read, or cannot be used as the configuration requests."""


class CannotWrite(ImbenchError, OSError):
    """A result cannot be stored: the disk is full, or the folder cannot be written.

    Raised in the middle of a command; what was stored before stays.

    Examples
    --------
    >>> str(CannotWrite("results/runs cannot be written (No space left on device)."))
    'results/runs cannot be written (No space left on device).'
    """


class Incompatible(ImbenchError):
    """A strategy does not apply to this model or data set; the cell is stored as ``skipped``.

    Raised by :func:`imbench.pipeline.build.build`. Tables show the cell with the reason instead
    of leaving it out.

    Examples
    --------
    >>> Incompatible("focal needs a neural net, model=knn is none.").reason
    'focal needs a neural net, model=knn is none.'
    """

    @property
    def reason(self) -> str:
        """The message, as tables show it."""
        return str(self)


def reason_of(error: BaseException) -> str:
    """Return the first line of an exception's message.

    The type is prepended unless the message is meant for users, as those of `ImbenchError` and
    of the `ValueError` of scikit-learn's estimators are.

    Examples
    --------
    >>> reason_of(ValueError("gamma must be >= 0, got -1."))
    'gamma must be >= 0, got -1.'
    >>> reason_of(KeyError("gamma"))
    "KeyError: 'gamma'"
    """
    lines = str(error).strip().splitlines()
    text = lines[0] if lines else "no message"
    return (
        text if isinstance(error, ImbenchError | ValueError) else f"{type(error).__name__}: {text}"
    )
