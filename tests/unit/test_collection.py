"""The garbage collector is off while modules are imported, and on as it was afterwards."""

import gc

import pytest

from imbench.cli import main
from imbench.collection import collection_paused, resume_collection


@pytest.fixture(autouse=True)
def collector():
    assert gc.isenabled()
    yield
    gc.unfreeze()
    gc.enable()


def test_it_is_off_inside_and_on_after_an_error():
    inside = []

    def fails():
        with collection_paused():
            inside.append(gc.isenabled())
            raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        fails()
    assert inside == [False]
    assert gc.isenabled()


def test_whoever_had_it_off_keeps_it_off():
    gc.disable()
    with collection_paused():
        pass
    assert not gc.isenabled()


def test_what_was_imported_is_not_looked_at_again():
    gc.collect()
    before = gc.get_freeze_count()
    with collection_paused():
        resume_collection()
        assert gc.isenabled()
        assert gc.get_freeze_count() > before + 1000
    assert gc.isenabled()


def test_cells_run_with_the_collector_on(tmp_path, monkeypatch, capsys):
    from imbench import run

    plain, seen = run.run_cells, []

    def noted(*words):
        seen.append(gc.isenabled())
        return plain(*words)

    monkeypatch.setattr(run, "run_cells", noted)
    words = ["dataset=synthetic", "dataset.n_rows=100", "model=logistic_regression"]
    assert main([*words, "splits=holdout", "tracking=none", f"results_dir={tmp_path}"]) == 0
    assert seen == [True]
    assert gc.isenabled()
    assert "f1_macro" in capsys.readouterr().out
