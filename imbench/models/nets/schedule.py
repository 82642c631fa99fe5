"""Which nets make a stack, and how many threads train it: both follow from the work of a step.

Stacks are made large enough to be worth their step, no larger, and are trained side by side, a
thread each. Threads share the products of a step only where there are fewer stacks than cores and
enough to do: in a small step they gain something on an idle machine, and lose several times as
much as soon as another process wants a core, as the tracker's does in every command.
``scripts/bench.py stacks`` measures the choices, docs/performance.md holds what it found.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from typing import NamedTuple, Protocol

import numpy as np
import torch
from torch import nn

from imbench.models.nets.job import Job
from imbench.models.nets.stack import can_stack

MAX_NETS = {"cpu": 50}  # in one stack
MAX_NETS_ELSEWHERE = 256  # a GPU is not filled by less
STACK_FLOPS = 2**25  # of a step; with more, cores are better used by stacks side by side
THREADS_FLOPS = 2**27  # of a step; with less, threads lose more on a busy machine than they gain
SCORING_FLOPS = 2**35  # of all rows; beside a busy process two threads take several times as long
MAX_BYTES = 2**28  # of rows in one stack
# A net with fewer batches waits for the others with every step that they still do.
MIN_SHARE_OF_STEPS = 0.8


def flops(n_weights: int, n_rows: int) -> int:
    """Return the operations of a training step of a net of linear layers.

    Two a weight and row for the product, and twice as many for its two gradients.
    """
    return 6 * n_weights * n_rows


def step_flops(job: Job) -> int:
    """Return the operations of a training step of a net; convolutions have more."""
    n_weights = sum(p.numel() for p in job.net.parameters())
    return flops(n_weights, min(job.settings.batch_size, len(job.rows.y)))


def groups(jobs: Sequence[Job]) -> list[list[int]]:
    """Return which jobs are trained as one stack, as lists of their numbers.

    The number of cores plays no part, so that it does not change how the scores are rounded.
    """
    by_kind: dict[object, list[int]] = {}
    for i, job in enumerate(jobs):
        by_kind.setdefault(_kind(job) if can_stack(job.net) else i, []).append(i)
    result = []
    for members in by_kind.values():
        members.sort(key=lambda i: (-len(jobs[i].rows.y), _pace(jobs[i])))
        group: list[int] = []
        n_bytes = 0
        for i in members:
            x = jobs[i].rows.x
            n_bytes += x.numel() * x.element_size()
            too_short = group and len(x) < MIN_SHARE_OF_STEPS * len(jobs[group[0]].rows.x)
            if group and (too_short or n_bytes > MAX_BYTES):
                result += _parts(group, jobs[group[0]])
                group, n_bytes = [], x.numel() * x.element_size()
            group.append(i)
        result += _parts(group, jobs[group[0]])
    return result


def _parts(group: Sequence[int], job: Job) -> list[list[int]]:
    """Cut a group into as few stacks as may be, of about equal size."""
    device = job.rows.y.device.type
    limit = MAX_NETS.get(device, MAX_NETS_ELSEWHERE)
    if device == "cpu":
        limit = int(np.clip(STACK_FLOPS // step_flops(job), 1, limit))
    return [part.tolist() for part in np.array_split(group, -(-len(group) // limit))]


def _pace(job: Job) -> tuple[float, float]:
    """Nets that share it are updated at once."""
    return job.settings.lr, job.settings.weight_decay


def _kind(job: Job) -> object:
    """Return what nets must share to be trained as one."""
    s = job.settings
    return (
        job.kind,
        str(job.net),
        (s.n_classes, s.epochs, s.batch_size, s.optimizer, s.amp),
        (job.rows.x.shape[1:], job.rows.x.dtype, job.rows.y.device),
        job.validation is None,
    )


def crew(stacks: Sequence[Sequence[Job]], n_cores: int) -> tuple[int, int]:
    """Return how many stacks are trained at the same time, and the threads of each.

    Parameters
    ----------
    stacks : sequence of sequence of Job
    n_cores : int
        That may be used in all.
    """
    firsts = [stack[0] for stack in stacks]
    if any(job.rows.y.device.type != "cpu" or not can_stack(job.net) for job in firsts):
        return 1, n_cores  # one queue; and nets of other layers draw from global generators
    n_workers = min(len(stacks), n_cores)
    work = max(step_flops(stack[0]) * len(stack) for stack in stacks)
    return n_workers, 1 if work < THREADS_FLOPS else n_cores // n_workers


class Work(Protocol):
    """Something that can be done in parts, one after the other: a stack, epoch by epoch.

    Attributes
    ----------
    n_parts : int
    """

    n_parts: int

    def go_on(self, until: int, is_stopped: Callable[[], bool]) -> None:
        """Do parts until so many are done; ``is_stopped`` says now and then to end at once."""
        ...


class Piece(NamedTuple):
    """Parts ``start`` to ``stop`` of a work, which is known by its number."""

    work: int
    start: int
    stop: int


def pieces(n_parts: Sequence[int], n_workers: int) -> list[list[Piece]]:
    """Share works out so that all workers are busy to the end, and none does two pieces at once.

    Parameters
    ----------
    n_parts : sequence of int
        Of each work, all parts being equally long; as many works as workers at least.
    n_workers : int

    Returns
    -------
    list of list of Piece
        What each worker does. A work that is cut is begun by one worker as its first, and ended
        by the one before as its last.

    References
    ----------
    McNaughton 1959, "Scheduling with Deadlines and Loss Functions", Management Science 6(1),
    theorem 3.1.

    Examples
    --------
    >>> [[tuple(piece) for piece in own] for own in pieces([4, 4, 4], 2)]
    [[(0, 0, 4), (1, 2, 4)], [(1, 0, 2), (2, 0, 4)]]
    """
    size = max(-(-sum(n_parts) // n_workers), *n_parts)  # nobody can be faster than one work
    found: list[list[Piece]] = [[]]
    free = size
    for work, n in enumerate(n_parts):
        late = min(n, free)
        early = n - late
        found[-1].append(Piece(work, early, n))
        free -= late
        if not free:
            found.append([Piece(work, 0, early)] if early else [])
            free = size - early
    return [own for own in found if own]


def run_works(works: Sequence[Work], n_workers: int, n_threads: int) -> None:
    """Run works, several at the same time, in threads.

    Whoever is free takes the next one; the last few are cut where they would leave workers idle.

    Parameters
    ----------
    works : sequence of Work
    n_workers, n_threads : int
        Works at the same time, and PyTorch's threads of each.

    Raises
    ------
    BaseException
        The first that a work raised, or that interrupted the wait for them. All have ended.
    """
    if n_workers == 1:
        with intra_op_threads(n_threads):
            for work in works:
                work.go_on(work.n_parts, lambda: False)
        return
    shift = _Shift(works, n_workers)
    with intra_op_threads(n_threads):
        settle = (torch.set_num_threads, (n_threads,))
        pool = ThreadPoolExecutor(n_workers, "stack", *settle)
        try:
            for done in [pool.submit(shift.work, own) for own in shift.own]:
                done.result()
        finally:
            shift.stopped.set()
            pool.shutdown(cancel_futures=True)


class _Shift:
    """What several workers share: works that anybody takes, and how far the others are."""

    def __init__(self, works: Sequence[Work], n_workers: int) -> None:
        n_left = len(works) % n_workers
        n_whole = len(works) - (n_workers + n_left if n_left else 0)
        self._waiting = deque(works[:n_whole])
        self._cut = works[n_whole:]
        self._begun = [threading.Event() for _ in self._cut]  # set when the first piece is done
        own = pieces([work.n_parts for work in self._cut], n_workers) if self._cut else []
        self.own = own + [[] for _ in range(n_workers - len(own))]
        self.stopped = threading.Event()

    def work(self, own: Sequence[Piece]) -> None:
        """Do whole works while there are some, then pieces."""
        try:
            while self._waiting:
                try:
                    work = self._waiting.popleft()
                except IndexError:  # another worker was faster
                    break
                work.go_on(work.n_parts, self.stopped.is_set)
            for piece in own:
                self._do(piece)
        except BaseException:
            self.stopped.set()
            raise

    def _do(self, piece: Piece) -> None:
        begun = self._begun[piece.work]
        while piece.start and not begun.wait(0.05):
            if self.stopped.is_set():
                return
        self._cut[piece.work].go_on(piece.stop, self.stopped.is_set)
        begun.set()


def threads_for_scoring(net: nn.Module, n_rows: int) -> AbstractContextManager[None]:
    """Score in one thread what does not take long; what convolutions take is not known."""
    available = torch.get_num_threads()
    work = flops(sum(p.numel() for p in net.parameters()), n_rows) / 3  # no gradients
    enough = SCORING_FLOPS if can_stack(net) else THREADS_FLOPS
    return intra_op_threads(1 if work < enough else available)


@contextmanager
def intra_op_threads(n_threads: int) -> Iterator[None]:
    """Let PyTorch use so many threads in an operation."""
    before = torch.get_num_threads()
    if n_threads == before:
        yield
        return
    torch.set_num_threads(n_threads)
    try:
        yield
    finally:
        torch.set_num_threads(before)
