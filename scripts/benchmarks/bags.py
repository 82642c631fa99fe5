"""Rows of ensembles, against imbalanced-learn and imbens; most have no reach."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from benchmarks import data
from benchmarks.nets import job_of, small
from benchmarks.outcome import Aim, Outcome, judge
from benchmarks.sides import Bench, Rows, as_pair, fastest_first

N_MEMBERS = 10
TREE = {"max_depth": 3}


@dataclass(frozen=True)
class Rival:
    """An ensemble that both sides implement.

    Parameters
    ----------
    aim : Aim
    ensemble : str
        What the peer calls it.
    environment, script : str
        Of the peer.
    words : tuple of str
        Of our command.
    options : mapping
        Of the peer.
    is_net : bool
        Members are nets, otherwise trees.
    n_members : int
    """

    aim: Aim
    ensemble: str
    environment: str
    script: str
    words: tuple[str, ...]
    options: Mapping[str, Any] = field(default_factory=dict)
    is_net: bool = False
    n_members: int = N_MEMBERS


def _aim(name: str, peer: str) -> Aim:
    return Aim(f"ensemble_{name}", f"{name.replace('_', ' ')}, {N_MEMBERS} members, against {peer}")


def _members(strategy: str, n_members: int = N_MEMBERS) -> tuple[str, ...]:
    stage = f"strategy.ensemble.{strategy}"
    return (f"strategy={strategy}", f"{stage}.n_estimators={n_members}")


RIVALS = (
    Rival(
        Aim("bagging_skorch", "bagging of 20 nets against scikit-learn's with 20 skorch nets", 8),
        "bagging_net", "peers", "ensembles.py", _members("bagging", 20), is_net=True, n_members=20,
    ),
    Rival(
        _aim("balanced_bagging_nets", "imbalanced-learn with skorch"),
        "balanced_bagging_net", "peers", "ensembles.py", _members("balanced_bagging"), is_net=True,
    ),
    Rival(
        _aim("balanced_bagging_trees", "imbalanced-learn"),
        "balanced_bagging", "peers", "ensembles.py", _members("balanced_bagging"),
    ),
    Rival(
        _aim("easy_ensemble_trees", "imbalanced-learn"),
        "easy_ensemble", "peers", "ensembles.py",
        (*_members("easy_ensemble"), "strategy.ensemble.easy_ensemble.n_rounds=4"),
        {"n_rounds": 4},
    ),
    Rival(
        _aim("under_bagging_trees", "imbens"),
        "under_bagging", "imbens", "imbens_ensembles.py", _members("under_bagging"),
    ),
    Rival(
        _aim("self_paced_trees", "imbens"),
        "self_paced", "imbens", "imbens_ensembles.py",
        (*_members("self_paced"), "strategy.ensemble.self_paced.n_bins=5"),
        {"n_bins": 5},
    ),
)  # fmt: skip


def against(bench: Bench, rival: Rival) -> list[Outcome]:
    """Measure an ensemble and its rival in turns."""
    n_rows, n_splits = (120, 2) if bench.smoke else (1000, 5)
    rows, folds = data.table(n_rows, n_splits, 1)
    net = small(bench)
    job = job_of(bench, rival.aim.name, rows, folds, net)
    tree = [f"+model.estimator.{key}={value}" for key, value in TREE.items()]
    base = job["words"] if rival.is_net else ["dataset=synthetic", "model=decision_tree", *tree]
    job |= {"words": [*base, *rival.words], "n_members": rival.n_members, **rival.options}
    job |= {"ensemble": rival.ensemble, "tree": TREE}
    found = bench.in_turns(
        lambda seed: bench.ours({**job, "seed": seed}),
        fastest_first(
            lambda seed, how: bench.peer(
                rival.environment, rival.script, {**job, "seed": seed, "how": how}
            )
        ),
        3,
    )
    members = str(net) if rival.is_net else f"trees of depth {TREE['max_depth']}"
    words = (
        f"synthetic {n_rows} x 10, {n_splits} folds; {members}; {bench.cores} cores, peer with "
        f"{found[0][1]['how']}"
    )
    return [judge(rival.aim, [as_pair(*pair) for pair in found], words)]


ROWS: Rows = {(rival.aim,): partial(against, rival=rival) for rival in RIVALS}
