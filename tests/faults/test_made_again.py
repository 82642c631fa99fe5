"""Damaged scores and journals of real cells are set aside, and made again with the same bits."""

import random

import pytest

from imbench.run.cell import Runner
from tests.cells import cells_of
from tests.faults.commands import TREE, TUNED, bits

SHARED = ("strategy=random_under", "decision=threshold")
KINDS = {
    "tuning/*.log": (*TREE, *TUNED, "strategy=smote"),
    "runs/*/r*.scores.npz": (*TREE, *SHARED),
    "runs/*/r*-f0.npz": (*TREE, *SHARED),
    "runs/*/r*-f0.json": (*TREE, *SHARED),
}


def run(folder, cells):
    for cell in cells:
        result = Runner(folder).run(cell)
        assert result.status == "ok", result.reason


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_what_is_damaged_is_made_again_with_the_same_bits(tmp_path, kind, faults, caplog):
    cells = cells_of(*KINDS[kind])
    run(tmp_path, cells)
    expected, rng, n = bits(tmp_path), random.Random(3), faults.n(25, 2)
    for _ in range(n):
        path = sorted(tmp_path.glob(kind))[0]
        content = bytearray(path.read_bytes())
        content[rng.randrange(len(content) - 1)] ^= 1 << rng.randrange(8)
        path.write_bytes(content)
        if kind.endswith(("log", "scores.npz")):  # else the stored folds are enough
            for fold in tmp_path.glob("runs/*/r*-f*.json"):
                fold.unlink()
        caplog.clear()
        run(tmp_path, cells)
        (message,) = caplog.messages
        assert "is damaged" in message
        assert list(path.parent.glob("*.damaged"))
        assert bits(tmp_path) == expected
    faults.held(f"a flipped bit of `{kind}` is named, and made again with the same bits", n)
