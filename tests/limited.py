"""Classifiers that crash, hang, grow, exit or return nonsense, for tests of limits."""

import os
import signal
import time

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin

FOLD = 67  # rows of the training parts of the second and the third fold: the first has 66


class Misbehaves(ClassifierMixin, BaseEstimator):
    """Scores classes by their share; does something else where it meets 67 training rows."""

    def __init__(self, how="well", rows=FOLD, note=None):
        self.how, self.rows, self.note = how, rows, note

    def fit(self, X, y):
        self.classes_, counts = np.unique(y, return_counts=True)
        self.share_ = counts / counts.sum()
        if self.note:
            with open(self.note, "a") as file:
                file.write(f"{os.getpid()}\n")
        if len(y) == self.rows and hasattr(self, f"_{self.how}"):
            getattr(self, f"_{self.how}")()
        return self

    def _segfault(self):
        os.kill(os.getpid(), signal.SIGSEGV)

    def _hang(self):
        time.sleep(600)

    def _hog(self):
        self.kept_ = []
        while True:
            self.kept_.append(np.ones(2 * 10**6))
            time.sleep(0.002)

    def _exit(self):
        raise SystemExit(0)

    def _quit(self):
        os._exit(0)

    def predict_proba(self, X):
        scores = np.tile(self.share_, (len(X), 1))
        if self.how == "undefined":
            scores[0, 0] = np.nan
        return (
            scores[:-1] if self.how == "short" else scores[:, :1] if self.how == "one" else scores
        )

    def predict(self, X):
        found = np.zeros(len(X), int)
        return found + 99 if self.how == "label" else found[1:] if self.how == "fewer" else found
