"""
Digits: what tutorials show, step by step
=========================================

Tutorials make MNIST imbalanced: digit 0 keeps 90 % of its rows, every other digit 10 %. They train
a net as it is, with a weighted loss and with oversampling, and compare. The same here on the small
digits of scikit-learn.
"""

# %%
# What is left to train on. The test rows stay balanced, so that each digit counts as much.
import matplotlib.pyplot as plt
import numpy as np
from sklearn.metrics import ConfusionMatrixDisplay, recall_score
from sklearn.model_selection import train_test_split

from imbench import TorchClassifier
from imbench.data.digits import load_digits
from imbench.strategies.batches.weighted_sampler import WeightedSampler
from imbench.strategies.weights.inverse_weights import InverseWeights

digits = load_digits()
X, X_test, y, y_test = train_test_split(
    digits.X, digits.y, test_size=0.4, stratify=digits.y, random_state=0
)
rng = np.random.default_rng(0)
kept = rng.random(len(y)) < np.where(y == 0, 0.9, 0.1)
X, y = X[kept], y[kept]

figure, axes = plt.subplots(figsize=(6, 2.5), layout="constrained")
bars = axes.bar(range(10), np.bincount(y, minlength=10))
axes.bar_label(bars)
axes.set(xlabel="digit", ylabel="training rows", xticks=range(10))

# %%
# Three nets that differ in one argument. Nothing is chosen by the test rows: they are only scored.
nets = {
    "plain": TorchClassifier(epochs=25, random_state=0),
    "weighted loss": TorchClassifier(epochs=25, random_state=0, weights=InverseWeights()),
    "oversampled": TorchClassifier(epochs=25, random_state=0, batches=WeightedSampler()),
}
for net in nets.values():
    net.fit(X / np.float32(255), y, validation=(X_test / np.float32(255), y_test))

# %%
# Training loss and balanced accuracy by epoch.
figure, (left, right) = plt.subplots(1, 2, figsize=(8, 3), layout="constrained")
for name, net in nets.items():
    loss, score = net.history_.T
    left.plot(loss, label=name)
    right.plot(score, label=name)
left.set(xlabel="epoch", ylabel="training loss", yscale="log")
right.set(xlabel="epoch", ylabel="balanced accuracy of test rows")
right.legend()

# %%
# The confusion matrices side by side: a row is the true digit. The plain net takes rare digits
# for the frequent 0.
figure, panels = plt.subplots(1, 3, figsize=(11, 4), layout="constrained")
predicted = {name: net.predict(X_test / np.float32(255)) for name, net in nets.items()}
for axes, (name, labels) in zip(panels, predicted.items(), strict=True):
    ConfusionMatrixDisplay.from_predictions(
        y_test, labels, normalize="true", include_values=False, colorbar=False, ax=axes
    )
    axes.set_title(name)

# %%
# Recall of the nine rare digits. One run of one split says little: with
# ``python -m imbench -m dataset=digits dataset/imbalance=tutorial model=mlp
# strategy=none,inverse_weights,random_over`` each gain has an interval.
for name, labels in predicted.items():
    rare = recall_score(y_test, labels, average=None)[1:].mean()
    print(f"{name:14} recall of digits 1 to 9: {rare:.3f}")
