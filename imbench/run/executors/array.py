"""The executor of array jobs: its command writes a plan, which `imbench work` runs."""

from __future__ import annotations

from collections.abc import Generator, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from imbench.errors import ConfigError

if TYPE_CHECKING:
    from imbench.results.fold import FoldResult
    from imbench.run.executors.base import StackTask, Tasks


@dataclass(frozen=True, eq=False)
class ArrayExecutor:
    """Says how a sweep is divided; nothing is run where it is named.

    Parameters
    ----------
    runner : Runner or None
    n_jobs : int or "auto"
    chunks : int
        Parts with about equal work, at least 1.
    out : str, default="plan.json"
        File of the plan.

    Raises
    ------
    ValueError
        If there is no chunk.

    Attributes
    ----------
    plans : bool
        True: the command line writes a plan in the place of a run.

    Examples
    --------
    >>> ArrayExecutor(None, 1, chunks=8).out
    'plan.json'
    """

    plans: ClassVar[bool] = True
    runner: Any
    n_jobs: Any
    chunks: int
    out: str = "plan.json"

    def __post_init__(self) -> None:
        if isinstance(self.chunks, bool) or not isinstance(self.chunks, int) or self.chunks < 1:
            raise ValueError(f"chunks must be an integer of at least 1, got {self.chunks!r}.")

    def run(self, tasks: Tasks) -> Generator[tuple[StackTask, Iterable[FoldResult]]]:
        """Refuse to run anything.

        Raises
        ------
        ConfigError
            Always: only the command line can write a plan.
        """
        raise ConfigError(
            "executor=array runs nothing here: use the command line, or set executor=local."
        )
        yield

    def close(self) -> None:
        """Do nothing: nothing was started."""
