"""The errors that a user can cause, each one sentence with the key, the value and the fix."""

from __future__ import annotations


class ImbenchError(Exception):
    """Base of every error whose message is meant for the user as it stands."""


class ConfigError(ImbenchError):
    """A key or a value of the configuration is wrong; nothing was run."""


class DataError(ImbenchError):
    """The data cannot be read, or cannot be used in the way that was asked for."""


class Incompatible(ImbenchError):
    """A strategy cannot meet this model or this data; the cell is recorded as ``skipped``.

    Raised by :func:`imbench.pipeline.build.build`. The reason is shown in every table: an
    incompatible pair is an answer, never a hole.
    """

    @property
    def reason(self) -> str:
        """The sentence that tables show."""
        return str(self)


def reason_of(error: BaseException) -> str:
    """Return an exception as one sentence.

    A ValueError is how estimators say what is wrong with values; any other type stands in front
    of a message that was not written for users.
    """
    lines = str(error).strip().splitlines()
    text = lines[0] if lines else "no message"
    return (
        text if isinstance(error, ImbenchError | ValueError) else f"{type(error).__name__}: {text}"
    )
