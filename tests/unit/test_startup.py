"""The garbage collector is paused while modules are imported."""

import gc

import pytest

from imbench.cli import main
from imbench.components.startup import quick_imports, resume_collection


@pytest.fixture(autouse=True)
def collector():
    assert gc.isenabled()
    yield
    gc.unfreeze()
    gc.enable()


def test_the_collector_is_off_inside_and_on_after_an_error():
    inside = []

    def fails():
        with quick_imports():
            inside.append(gc.isenabled())
            raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        fails()
    assert inside == [False]
    assert gc.isenabled()


def test_a_collector_that_was_off_stays_off():
    gc.disable()
    with quick_imports():
        pass
    assert not gc.isenabled()


def test_objects_that_exist_at_the_resumption_are_frozen():
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
