"""Where studies lie: a journal file, or a database that several processes share.

Processes that tune the same outer fold in one PostgreSQL database take turns, by advisory locks.
The server frees the locks of a process that was killed, because its connection ends. The next one
then finds the trials that were finished and fits the one that was lost: a study ends with exactly
as many trials as were asked for.
"""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal

from imbench.components import postgres
from imbench.components.damage import set_aside
from imbench.errors import ConfigError, masked
from imbench.results.fold import CellKey
from imbench.results.metric_options import MetricOptions
from imbench.run.tuning.journal import SealedJournal, mend

SLOT = "imbench.number"


def open_storage(address: str, is_ours: bool = False) -> Any:
    """Open a database by its address, or a journal file by its path; mend a damaged journal.

    Parameters
    ----------
    address : str
    is_ours : bool, default=False
        Whether it is a journal of a results folder, which is set aside if it cannot be read.

    Raises
    ------
    ConfigError
        If it cannot be opened or read.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     open_storage(f"{folder}/study.log").get_all_studies()
    []
    """
    import optuna
    from optuna.storages.journal import JournalFileBackend

    optuna.logging.set_verbosity(optuna.logging.WARNING)  # a line a trial otherwise
    try:
        if postgres.is_address(address):
            from sqlalchemy.pool import NullPool

            # Tables are made by one process. Connections are not kept: a server has about 100.
            with postgres.alone(address, ["tables"]):
                return optuna.storages.RDBStorage(address, {"poolclass": NullPool})
        if "://" in address:
            if address.startswith("sqlite:///"):
                Path(address.partition(":///")[2]).parent.mkdir(parents=True, exist_ok=True)
            return optuna.storages.RDBStorage(address)
        Path(address).parent.mkdir(parents=True, exist_ok=True)
        lock = journal_lock(address)
        mend(Path(address), lock, is_ours)
        backend: Any = SealedJournal(JournalFileBackend(address, lock), Path(address), lock)
        return optuna.storages.JournalStorage(backend)
    except Exception as error:  # sqlalchemy, drivers, the file system, a file of another kind
        if is_ours and set_aside(Path(address), "cannot be read"):  # of an older version
            return open_storage(address)
        raise cannot_open(address, error) from error


def journal_lock(address: str) -> Any:
    """Return the lock under which a journal is written."""
    from optuna.storages.journal import JournalFileSymlinkLock

    return JournalFileSymlinkLock(address)


def study(storage: Any, key: CellKey, place: str, options: MetricOptions) -> Any:
    """Return the stored study of an outer fold, made if it is not there.

    Parameters
    ----------
    storage : optuna.storages.BaseStorage
    key : CellKey
    place : str
        Such as ``r0-f3``.
    options : MetricOptions
        ``sort`` is the metric that is tuned.
    """
    import optuna

    found = optuna.create_study(
        storage=storage,
        study_name=study_name(key, place),
        direction=direction_of(options),
        load_if_exists=True,
    )
    facts = {"dataset": key.dataset, "model": key.model, "strategy": key.label}
    for name, fact in (facts | {"metric": options.sort, "fold": place}).items():
        if found.user_attrs.get(name) != fact:
            found.set_user_attr(name, fact)
    return found


def study_name(key: CellKey, place: str) -> str:
    """Return the name of the study of an outer fold."""
    return f"{key.folder} {place}"


def direction_of(options: MetricOptions) -> Literal["maximize", "minimize"]:
    """Return which way the metric that is tuned is to go."""
    return "maximize" if options.higher_is_better(options.sort) else "minimize"


def cannot_open(address: str, error: Exception) -> ConfigError:
    """Return the sentence on a storage that cannot be opened, without its password."""
    if isinstance(error, ModuleNotFoundError) and postgres.is_address(address):
        fix = "pip install 'imbench[postgres]' installs what it needs."
    else:
        fix = "give a database such as sqlite:///tuning.db, a path for a journal file, or null."
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return ConfigError(
        f"tuning.storage={masked(address)} cannot be opened ({lines[0].rstrip('.')}): {fix}"
    )


def is_server(address: str | None) -> bool:
    """Return whether other machines can open a storage.

    Examples
    --------
    >>> is_server("postgresql://host/studies"), is_server("sqlite:///a.db"), is_server(None)
    (True, False, False)
    """
    return address is not None and "://" in address and not address.startswith("sqlite")


def add_journal(storage: Any, journal: bytes) -> None:
    """Add the finished trials of a journal, which another process wrote, to a storage.

    Those whose number is there already are left out.

    Parameters
    ----------
    storage : optuna.storages.BaseStorage
    journal : bytes
    """
    import optuna

    with TemporaryDirectory(prefix="imbench-") as folder:
        path = Path(folder, "journal.log")
        path.write_bytes(journal)
        made, there = open_storage(str(path)), set(optuna.get_all_study_names(storage))
        for name in optuna.get_all_study_names(made):
            found = optuna.load_study(study_name=name, storage=made)
            if name in there:
                own = optuna.load_study(study_name=name, storage=storage)
            else:
                own = optuna.create_study(
                    study_name=name, storage=storage, direction=found.direction
                )
                for key, fact in found.user_attrs.items():
                    own.set_user_attr(key, fact)
            known = {trial.user_attrs.get(SLOT) for trial in own.get_trials(deepcopy=False)}
            own.add_trials([t for t in found.trials if t.user_attrs.get(SLOT) not in known])
