"""Errors that a user can cause. Each message is one sentence with key, value and fix."""

from __future__ import annotations

import re

# scheme://user:password@ and scheme://token@, with one slash where it was taken for a path: the
# last @ of the word ends it, and the last @ of the line where there is a colon, because passwords
# may hold any sign.
_USER_INFO = re.compile(r"([a-z][\w+.-]*://|[a-z][\w+.-]+:/)([^\s:/@]*:[^\n]*|\S+)@", re.IGNORECASE)
_FILES = ("sqlite", "file")  # schemes whose addresses hold paths, in which @ is a sign
_NAMES = r"[\w-]*(?:password|passwd|pwd|token|secret|api_?key|access_?key|credentials?|signature)"
_QUERY = re.compile(
    rf"([?&;](?:{_NAMES}|key|auth|sig)=|(?:^|[\s'\"])(?:password|passwd|pwd|token)=)"
    r"([^\s&]+?)(?=[.,:;)'\"\]}]*(?:[\s&]|$))",
    re.IGNORECASE,
)


def masked(text: str) -> str:
    """Return a text in which passwords and tokens of addresses are replaced by ``***``.

    It is the only function that does so. Messages of :class:`ImbenchError`, stored reasons,
    tracebacks and warnings, MLflow's tags and parameters, and printed configurations pass it.
    Where it is not clear how far a password goes, more is replaced.

    Examples
    --------
    >>> masked("postgresql://me:p/a@ss@host/runs"), masked("http://TOKEN@host:5000")
    ('postgresql://me:***@host/runs', 'http://***@host:5000')
    >>> masked("https://host/runs?user=me&password=secret")
    'https://host/runs?user=me&password=***'
    """
    if "=" in text:
        text = _QUERY.sub(r"\1***", text)
    return _USER_INFO.sub(_mask_user_info, text) if ":/" in text else text


def _mask_user_info(found: re.Match[str]) -> str:
    scheme, info = found.groups()
    user, colon, _ = info.partition(":")
    if scheme.rstrip(":/").partition("+")[0].lower() in _FILES:
        return found[0]
    if "://" in info:  # of another address in the same line
        return f"{scheme}***@"
    is_token = not colon or info.endswith((":", ":x-oauth-basic"))
    return f"{scheme}***@" if is_token else f"{scheme}{user}:***@"


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

    def __init__(self, *args: object) -> None:
        super().__init__(*(masked(arg) if isinstance(arg, str) else arg for arg in args))


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
    text = masked(lines[0]) if lines else "no message"
    return (
        text if isinstance(error, ImbenchError | ValueError) else f"{type(error).__name__}: {text}"
    )
