"""Names of parameters that are read once a class."""

from __future__ import annotations

from functools import cache


class NamedOnce:
    """Mixin in front of ``BaseEstimator``: its constructor's signature is read once, not each time.

    Every `clone`, `get_params` and `set_params` asks for the names, some thirty times a fit, which
    is a good part of what the fit of a small net costs beside its training.
    """

    @classmethod
    @cache
    def _get_param_names(cls) -> list[str]:
        return super()._get_param_names()  # type: ignore[misc]
