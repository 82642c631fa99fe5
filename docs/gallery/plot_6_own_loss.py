"""
Your own loss
=============

A class with one method, tested by a contract, beside the losses that are there.
"""

# %%
# ``bind`` is called once a fit with the sizes of the classes. What it returns gives one loss a row
# and no mean, because the trainer weights rows. The file has to be on the Python path.
import sys
import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import torch

from imbench.cli import main

folder = Path(tempfile.mkdtemp())
sys.path.append(str(folder))
(folder / "my_losses.py").write_text('''
from dataclasses import dataclass

from torch.nn.functional import cross_entropy


@dataclass(frozen=True)
class PowerLoss:
    """Cross-entropy to a power: rows with a large loss count more."""

    power: float = 1.5

    def bind(self, counts):
        def loss(logits, y):
            return cross_entropy(logits, y, reduction="none") ** self.power

        return loss
''')
(folder / "mine" / "strategy").mkdir(parents=True)
(folder / "mine" / "strategy" / "power.yaml").write_text("""
about: {power: {summary: "Cross-entropy to the power of 1.5.", paper: ""}}
loss:
  power: {_target_: my_losses.PowerLoss, power: 1.5}
""")

from my_losses import PowerLoss

# %%
# What it does to rows that are nearly right and to rows that are wrong.
margin = torch.linspace(-4, 4, 81)
logits = torch.stack([torch.zeros_like(margin), margin], dim=1)
truth = torch.ones(81, dtype=torch.long)
figure, axes = plt.subplots(figsize=(5, 3), layout="constrained")
for power in (1.0, 1.5, 2.0):
    axes.plot(margin, PowerLoss(power).bind(None)(logits, truth), label=f"power={power}")
axes.set(xlabel="logit of the true class minus the other", ylabel="loss", ylim=(0, 8))
axes.legend()

# %%
# The contract is what pytest runs for a class ``TestPower(LossContract)`` with this ``make``.
# Here two of its checks are called by hand.
from imbench.testing.losses import LossContract


class PowerContract(LossContract):
    """The contract of PowerLoss."""

    def make(self):
        """Return the loss to test."""
        return PowerLoss()


PowerContract().test_returns_one_loss_a_row()
PowerContract().test_gradient_is_the_derivative_of_the_value()

# %%
# Beside others on identical folds. ``main`` is the command line:
# ``python -m imbench --config-dir mine -m strategy=none,power,focal dataset=synthetic model=mlp``.
main(
    [
        "--config-dir",
        str(folder / "mine"),
        "-m",
        "strategy=none,power,focal",
        "dataset=synthetic",
        "model=mlp",
        "splits.n_repeats=1",
        "tracking=none",
        f"results_dir={folder / 'results'}",
    ]
)
