"""The collector is off while modules are imported, and what nobody asks for is not executed."""

import gc
import subprocess
import sys

import pytest

from imbench.cli import main
from imbench.components.startup import SELDOM_ASKED, quick_imports, resume_collection


@pytest.fixture(autouse=True)
def collector():
    assert gc.isenabled()
    yield
    gc.unfreeze()
    gc.enable()


def test_it_is_off_inside_and_on_after_an_error():
    inside = []

    def fails():
        with quick_imports():
            inside.append(gc.isenabled())
            raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        fails()
    assert inside == [False]
    assert gc.isenabled()


def test_whoever_had_it_off_keeps_it_off():
    gc.disable()
    with quick_imports():
        pass
    assert not gc.isenabled()


def test_what_was_imported_is_not_looked_at_again():
    gc.collect()
    before = gc.get_freeze_count()
    with quick_imports():
        resume_collection()
        assert gc.isenabled()
        assert gc.get_freeze_count() > before + 1000
    assert gc.isenabled()


def test_cells_run_with_the_collector_on(tmp_path, monkeypatch, capsys):
    from imbench.run import sweep

    plain, seen = sweep.run_cells, []

    def noted(*words):
        seen.append(gc.isenabled())
        return plain(*words)

    monkeypatch.setattr(sweep, "run_cells", noted)
    words = ["dataset=synthetic", "dataset.n_rows=100", "model=logistic_regression"]
    assert main([*words, "splits=holdout", "tracking=none", f"results_dir={tmp_path}"]) == 0
    assert seen == [True]
    assert gc.isenabled()
    assert "f1_macro" in capsys.readouterr().out


def in_a_process(code):
    """Run code in a fresh process and return what it prints."""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return done.stdout.strip()


IS_EXECUTED = "object.__getattribute__(sys.modules[name], '__class__') is type(sys)"


@pytest.mark.parametrize("name", SELDOM_ASKED)
def test_what_is_seldom_asked_is_executed_when_it_is(name):
    printed = in_a_process(
        f"""
import sys
from imbench.components.startup import quick_imports
name = {name!r}
with quick_imports():
    import sklearn.base
    print(name in sys.modules, {IS_EXECUTED})
print(len(sys.modules[name].__all__) > 50, {IS_EXECUTED})
"""
    )
    assert printed.split() == ["True", "False", "True", "True"]


def test_afterwards_modules_are_imported_as_they_always_are():
    finders = list(sys.meta_path)
    with quick_imports():
        assert len(sys.meta_path) == len(finders) + 1
    assert sys.meta_path == finders


def test_its_functions_and_its_submodules_can_be_imported_by_name():
    printed = in_a_process(
        """
from imbench.components.startup import quick_imports
with quick_imports():
    import sklearn.base
    import scipy
    from scipy.stats import rankdata
    import pandas.api.types
    print(rankdata([3, 1, 2]).tolist() == [3, 1, 2], scipy.stats.rankdata is rankdata)
    print(pandas.DataFrame({"a": [1]}).shape == (1, 1))
"""
    )
    assert set(printed.split()) == {"True"}
