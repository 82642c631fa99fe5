"""The pages that are made from the code are the ones that are committed."""

import subprocess
import sys

import pytest

from tests.conftest import ROOT


@pytest.mark.process
def test_the_page_of_strategies_is_up_to_date():
    done = subprocess.run(
        [sys.executable, "scripts/docs.py", "--check"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
