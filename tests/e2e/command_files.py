"""The files that commands of the pages name, small, and with the columns that they name."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests import dataset_files
from tests.conftest import ROOT

COPIED = ("docs/reliability.md", "results/tables/*")


def customers(n: int, seed: int = 0) -> pd.DataFrame:
    """Return columns of Telco's table, of which ``tenure`` and ``Contract`` tell the class."""
    rng = np.random.default_rng(seed)
    tenure = rng.integers(0, 72, n)
    contract = rng.choice(["Month-to-month", "One year", "Two year"], n)
    risk = 30 * (contract == "Month-to-month") - tenure + rng.normal(0, 15, n)
    charges = rng.normal(65, 20, n).round(2)
    return pd.DataFrame(
        {
            "customerID": [f"{i:04d}-{seed}TELCO" for i in range(n)],
            "gender": rng.choice(["Female", "Male"], n),
            "tenure": tenure,
            "Contract": contract,
            "MonthlyCharges": charges,
            "TotalCharges": (tenure * charges).round(2),
            "Churn": np.where(risk > np.quantile(risk, 0.7), "Yes", "No"),
        }
    )


def tables(rng: np.random.Generator, n: int = 200) -> dict[str, pd.DataFrame]:
    """Return all other tables by the names of their files."""
    x, is_rare = rng.normal(size=n), np.arange(n) % 5 == 0
    plain = pd.DataFrame({"a": x + is_rare, "b": rng.normal(size=n), "y": is_rare.astype(int)})
    days = np.sort(rng.integers(4, 108, n))
    results = np.where(is_rare, "positive", "negative")
    results[3::20] = "invalid"
    return {
        "churn.csv": pd.DataFrame({"id": np.arange(n), "minutes": rng.exponential(90, n).round(2),
                                   "plan": rng.choice(["basic", "pro"], n),
                                   "Churn": np.where(is_rare, "yes", "no")}),
        "customers.csv": pd.DataFrame({"months": rng.integers(1, 72, n), "charge": x.round(3),
                                       "contract": rng.choice(["monthly", "yearly"], n),
                                       "calls": rng.poisson(1.0 + is_rare),
                                       "left": np.where(is_rare, "yes", "no")}),
        "covid_testing.csv": pd.DataFrame({"subject_id": rng.integers(0, n // 2, n),
                                           "gender": rng.choice(["female", "male"], n),
                                           "pan_day": days, "age": rng.integers(0, 90, n),
                                           "result": results}),
        "nass_cds.csv": pd.DataFrame({"dvcat": rng.choice(["1-9km/h", "10-24"], n),
                                      "weight": rng.exponential(100, n).round(3),
                                      "dead": np.where(is_rare, "dead", "alive"),
                                      "ageOFocc": rng.uniform(16, 90, n).round(2),
                                      "yearacc": rng.permutation(1997 + np.arange(n) % 6)}),
        "train.csv": plain,
        "test.csv": plain.sample(40, random_state=0).assign(a=lambda t: t["a"] + 0.1),
        "claims.csv": pd.DataFrame({"amount": x, "state": np.where(is_rare, "late", "paid"),
                                    "reminders": is_rare * rng.integers(1, 4, n)}),
    }  # fmt: skip


def write_files(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Write the tables and ``pictures`` into a folder; ``data`` has those that are published."""
    customers(200).to_csv(folder / "telco-customer-churn.csv", index=False)
    customers(60, seed=1).to_csv(folder / "new.csv", index=False)
    for name, frame in tables(np.random.default_rng(0)).items():
        frame.to_csv(folder / name, index=False)
    dataset_files.write_images(folder / "pictures", n_a_class=10)
    (folder / "data" / "csv").mkdir(parents=True)
    shutil.copy(folder / "telco-customer-churn.csv", folder / "data" / "csv")
    monkeypatch.setattr(dataset_files, "N_TRAIN", 100)
    dataset_files.write_idx(folder / "data" / "MNIST")
    monkeypatch.setenv("IMBENCH_DATA", str(folder / "data"))


def write_checkout(folder: Path) -> None:
    """Write what scripts read of the checkout, and the folders that they write to.

    The scripts themselves are linked.
    """
    (folder / "imbench" / "api").mkdir(parents=True)
    (folder / "scripts").symlink_to(ROOT / "scripts")
    for pattern in COPIED:
        for path in ROOT.glob(pattern):
            place = folder / path.relative_to(ROOT)
            place.parent.mkdir(parents=True, exist_ok=True)
            if path.is_file():
                shutil.copy(path, place)
    row = {"promise": "none is lost", "test": "tests/t.py::test_it", "tried": 3, "lost": 0}
    (folder / "faults.jsonl").write_text(json.dumps(row) + "\n")
