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

    Raised by :func:`imbench.build.build`. The reason is shown in every table: an
    incompatible pair is an answer, never a hole.
    """

    @property
    def reason(self) -> str:
        """The sentence that tables show."""
        return str(self)
