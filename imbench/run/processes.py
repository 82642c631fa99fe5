"""Run calls in parallel processes that divide the cores among them."""

from __future__ import annotations

import warnings
from collections.abc import Generator, Iterable
from typing import Any

from imbench.errors import ImbenchError
from imbench.run.environment import n_cores


def side_by_side(calls: Iterable[Any], n_workers: int) -> Generator[Any]:
    """Yield what joblib's delayed calls return, in their order.

    Raises
    ------
    ImbenchError
        If a process was killed.
    """
    import joblib
    from joblib.externals.loky.process_executor import TerminatedWorkerError

    threads = max(n_cores() // n_workers, 1)
    with joblib.parallel_config("loky", inner_max_num_threads=threads):
        work = joblib.Parallel(n_workers, return_as="generator", batch_size=1)
    results = work(calls)
    try:
        for result in results:  # noqa: UP028 - `yield from` would close it with a warning
            yield result
    except TerminatedWorkerError as error:
        raise ImbenchError(
            f"one of {n_workers} processes was killed, most likely for its memory: every finished "
            "fold is stored; run the same command again, with a smaller n_jobs."
        ) from error
    finally:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that calls were given up, which is meant
            results.close()
