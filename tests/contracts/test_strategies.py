"""Every shipped strategy keeps the contract; the files are discovered, their number asserted."""

import pytest

from imbench.config import catalogue
from imbench.strategies import STAGES
from imbench.testing.strategies import StrategyContract

ITEMS = catalogue.items("strategy", [catalogue.conf_dir()])


@pytest.mark.parametrize("name", [i.name for i in ITEMS], scope="class")
class TestEveryStrategy(StrategyContract):
    @pytest.fixture(autouse=True)
    def _named(self, name: str) -> None:
        self.name = name


def test_all_strategies_are_found() -> None:
    # Raised with every file that is added, so that one that goes missing is noticed.
    assert len(ITEMS) == 90


def test_every_stage_has_a_strategy() -> None:
    assert {stage for item in ITEMS for stage in item.stages} == set(STAGES)
