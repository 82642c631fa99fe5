"""The notebook of the docs runs from the first cell to the last."""

from __future__ import annotations

import json

import pytest

from tests.conftest import ROOT

NOTEBOOK = ROOT / "docs" / "from_table_to_model.ipynb"


@pytest.mark.slow
def test_every_cell_runs_and_the_model_comes_back(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    cells = json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"]
    code = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
    assert len(code) == 10
    names: dict[str, object] = {}
    for number, source in enumerate(code, 1):
        exec(compile(source, f"cell {number}", "exec"), names)
    assert names["result"].table["status"].eq("ok").all()
    assert (names["folder"] / "report.html").stat().st_size > 1_000_000
