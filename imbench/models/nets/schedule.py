"""Schedule the training of nets: which ones make a stack, and with how many threads.

Stacks are as large as it takes to make a step worth its overhead, and not larger. They are
trained side by side with one thread each. Several threads share a step only if there are fewer
stacks than cores, and enough work: in a small step threads gain little on an idle machine, and
lose several times as much as soon as another process needs a core. docs/performance.md has the
figures.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager

import numpy as np
import torch
from torch import nn

from imbench.models.nets.job import Job, Training
from imbench.models.nets.stack import can_stack
from imbench.models.nets.training import train

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


def workers_and_threads(stacks: Sequence[Sequence[Job]], n_cores: int) -> tuple[int, int]:
    """Return how many stacks to train at the same time, and the threads of each.

    Parameters
    ----------
    stacks : sequence of sequence of Job
    n_cores : int
        Cores that may be used in all.
    """
    firsts = [stack[0] for stack in stacks]
    if any(job.rows.y.device.type != "cpu" or not can_stack(job.net) for job in firsts):
        return 1, n_cores  # one queue; and nets of other layers draw from global generators
    n_workers = min(len(stacks), n_cores)
    work = max(step_flops(stack[0]) * len(stack) for stack in stacks)
    return n_workers, 1 if work < THREADS_FLOPS else n_cores // n_workers


def train_all(jobs: Sequence[Job]) -> list[Training | Exception]:
    """Train nets: those that fit together as one stack, and the stacks side by side.

    Parameters
    ----------
    jobs : sequence of Job

    Returns
    -------
    list of Training or Exception
        In the order of the jobs. If a stack fails, its nets are trained one by one, so that
        only those nets get the exception that raise it.
    """
    members = groups(jobs)
    stacks = [[jobs[i] for i in group] for group in members]
    answers: dict[int, Training | Exception] = {}
    for group, found in zip(members, _train_stacks(stacks), strict=True):
        answers.update(zip(group, found, strict=True))
    return [answers[i] for i in range(len(jobs))]


def _train_stacks(stacks: Sequence[Sequence[Job]]) -> list[list[Training | Exception]]:
    n_workers, n_threads = workers_and_threads(stacks, torch.get_num_threads())
    stopped = threading.Event()
    with intra_op_threads(n_threads):
        if n_workers == 1:
            return [_train_stack(stack, stopped.is_set) for stack in stacks]
        pool = ThreadPoolExecutor(n_workers, "stack", torch.set_num_threads, (n_threads,))
        try:
            return list(pool.map(lambda stack: _train_stack(stack, stopped.is_set), stacks))
        finally:  # after Ctrl-C, threads end at their next step
            stopped.set()
            pool.shutdown(cancel_futures=True)


def _train_stack(jobs: Sequence[Job], is_stopped: Callable[[], bool]) -> list[Training | Exception]:
    try:
        return [*train(jobs, is_stopped)]
    except Exception as error:
        if len(jobs) == 1:
            return [error]
    # A net gets its parameters when its stack has been trained: these are as they were.
    answers: list[Training | Exception] = []
    for job in jobs:
        job.generator.manual_seed(job.generator.initial_seed())
        answers += _train_stack([job], is_stopped)
    return answers


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
