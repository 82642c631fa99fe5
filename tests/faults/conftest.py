"""How many faults are tried, and the record of what they did, from which a page is made."""

import json
import os
from dataclasses import dataclass, field
from pathlib import Path

import pytest

SHARE = float(os.environ.get("IMBENCH_FAULTS_SHARE", "0"))  # 1: all; 0: what CI has time for


@dataclass
class Faults:
    """Counts the faults of a test.

    Parameters
    ----------
    test : str
        Its name, which the page shows.
    """

    test: str
    rows: list[dict[str, object]] = field(default_factory=list)

    def n(self, everything: int, in_ci: int) -> int:
        """Return how many faults to try."""
        return max(in_ci, round(everything * SHARE))

    def held(self, promise: str, tried: int, noticed: int | None = None) -> None:
        """Record a promise that held under so many faults; called when all are asserted.

        Parameters
        ----------
        promise : str
        tried : int
        noticed : int or None
            Of the faults, if others change nothing: a flipped bit that no reader looks at.
        """
        row = {"promise": promise, "test": self.test, "tried": tried, "lost": 0}
        if noticed is not None:
            row["noticed"] = noticed
        self.rows.append(row)


@pytest.fixture
def faults(request: pytest.FixtureRequest):
    path, name = request.node.nodeid.split("::", 1)
    counted = Faults(f"{path}::{name.partition('[')[0]}")
    yield counted
    out = os.environ.get("IMBENCH_FAULTS_LOG")
    if out:
        with Path(out).open("a") as file:
            file.writelines(json.dumps(row) + "\n" for row in counted.rows)
