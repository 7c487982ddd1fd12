"""Where settings are computed: in this process, in others beside it, or on a cluster of Dask.

Rows do not depend on it: a setting carries its own random numbers, and rows travel back to this process, which alone
writes. So a cluster shares no disk with it, only the code.
"""

from __future__ import annotations

import asyncio
import importlib
import logging
import math
import multiprocessing
import os
import signal
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, CancelledError, Executor, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from importlib import metadata, util
from types import TracebackType
from typing import TYPE_CHECKING, Any, TypeAlias

from rdk_theory import provenance, tables
from rdk_theory.cli import DISTRIBUTION
from rdk_theory.tables import Row
from simulations._experiment import Experiment, Setting, experiments, generator

if TYPE_CHECKING:
    from distributed import Client

Keep: TypeAlias = Callable[[Mapping[str, Sequence[Row]]], None]
"""Takes the rows of settings that are complete, by key."""

THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
BATCH_SECONDS = 1.0
"""Settings are sent in batches that take about as long: sending one costs a millisecond, losing one its seconds."""
AHEAD = 2
"""Batches in flight for each slot: one is computed while the next waits beside it."""
DEATHS = 3
"""So many times in a row may processes die before a batch is complete."""
CONNECT_SECONDS = 20.0


def cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class Workers:
    """Where settings run; a context manager.

    Parameters
    ----------
    count
        Processes; 1 means this one. Default: one a core. Each has one thread of linear algebra.
    scheduler
        Address of a Dask scheduler whose workers do the work instead. They must have this distribution installed.

    What is timed always runs in one process of its own beside this one, one setting after the other: threads of a
    busy machine wait for each other, and their number cannot be changed once numpy is loaded.

    Raises
    ------
    ValueError
        If the count is no positive integer; on entering, if no scheduler answers at the address.
    """

    def __init__(self, count: int | None = None, scheduler: str | None = None) -> None:
        if count is not None and (isinstance(count, bool) or not isinstance(count, int) or count < 1):
            raise ValueError(f"workers must be a positive integer, not {count!r}")
        self.count = cores() if count is None else count
        self.scheduler = scheduler
        self._client: Client | None = None
        self._pools: dict[int, ProcessPoolExecutor] = {}

    def __enter__(self) -> Workers:
        if self.scheduler is not None:
            self._client = _connect(self.scheduler)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        for pool in self._pools.values():
            pool.shutdown(cancel_futures=True)
        if self._client is not None:
            self._client.close()

    def run(self, experiment: Experiment, todo: Mapping[str, Setting], seed: int, keep: Keep) -> None:
        """Compute the rows of each setting and hand them to `keep`, in whatever order they become complete.

        Raises
        ------
        ChildProcessError
            If processes die again and again.
        ConnectionError
            If the scheduler is lost.
        ValueError
            If a cluster's worker has other code; and whatever the experiment raises.
        """
        if experiment.timed:
            self._beside(1, experiment, todo, seed, keep)
        elif self._client is not None:
            self._on_cluster(self._client, experiment, todo, seed, keep)
        elif self.count == 1 or len(todo) < 2:
            _here(experiment, todo, seed, keep)
        else:
            self._beside(self.count, experiment, todo, seed, keep)

    def _beside(self, count: int, experiment: Experiment, todo: Mapping[str, Setting], seed: int, keep: Keep) -> None:
        """In processes of this machine. One that dies takes its pool with it: what it left is given to a new pool."""
        left, deaths = dict(todo), 0

        def kept(rows: Mapping[str, Sequence[Row]]) -> None:
            nonlocal deaths
            keep(rows)
            for key in rows:
                del left[key]
            deaths = 0

        while left:
            try:
                pool = self._pools.get(count) or self._start(count)
                _spread(pool, lambda: count, experiment, left, seed, kept)
            except BrokenProcessPool:
                deaths += 1
                self._pools.pop(count).shutdown()
                if deaths == DEATHS:
                    raise ChildProcessError(
                        f"processes died {deaths} times in a row with {len(left)} settings of {experiment.id} left, "
                        "for want of memory perhaps; what is complete is kept"
                    ) from None

    def _start(self, count: int) -> ProcessPoolExecutor:
        # Spawned, not forked: a fork would copy locks of threads that do not exist in the copy.
        context = multiprocessing.get_context("spawn")
        pool = self._pools[count] = ProcessPoolExecutor(count, mp_context=context, initializer=_follow_parent)
        with _one_thread():
            # Submitting starts the processes, which take over the environment: one for each call while none is idle.
            for future in [pool.submit(time.sleep, 0.01) for _ in range(count)]:
                future.result()
        return pool

    def _on_cluster(
        self, client: Client, experiment: Experiment, todo: Mapping[str, Setting], seed: int, keep: Keep
    ) -> None:
        """On the workers that the scheduler has, and on those that come; it restarts what a lost worker had."""
        from distributed import KilledWorker

        executor = client.get_executor(pure=False)
        known: set[str] = set()
        lost = f"the scheduler at {self.scheduler} is lost; what is complete is kept"

        def slots() -> int:
            try:
                threads = client.nthreads()
                if fresh := threads.keys() - known:
                    _check(client, fresh)
                    known.update(fresh)
            except OSError as error:
                raise ConnectionError(f"{lost}: {error}") from None
            return sum(threads.values())

        try:
            if not slots():
                print(f"{self.scheduler} has no worker yet; waiting for the first", file=sys.stderr)
            _spread(executor, slots, experiment, todo, seed, keep, provenance.code_digest())
        except KilledWorker as error:
            raise ChildProcessError(f"workers of {self.scheduler} die: {error}; what is complete is kept") from None
        except CancelledError:
            raise ConnectionError(lost) from None
        finally:
            executor.shutdown(wait=False)


def _connect(address: str) -> Client:
    """A client of the scheduler at `address`."""
    from distributed import Client

    try:
        # Asked first, since a client that finds nobody cannot be closed without noise.
        identity = asyncio.run(asyncio.wait_for(_ask(address), CONNECT_SECONDS))
    except (OSError, ValueError, MemoryError, TypeError) as error:
        # What greets in another protocol may seem to announce exabytes; and TLS wants certificates in Dask's settings.
        raise ValueError(f"no Dask scheduler answers at {address!r}: {str(error) or 'time is out'}") from None
    if identity["type"] != "Scheduler":
        raise ValueError(f"what answers at {address!r} is no Dask scheduler but a {identity['type']}")
    for name in ("distributed", "distributed.client"):
        # Tracebacks of a lost connection would stand above the one line that tells of it.
        logging.getLogger(name).setLevel(logging.CRITICAL)
    return Client(address, timeout=CONNECT_SECONDS, set_as_default=False)


async def _ask(address: str) -> dict[str, Any]:
    """What Dask's process at `address` says that it is."""
    from distributed import Security, rpc

    async with rpc(address, connection_args=Security().get_connection_args("client")) as process:
        return dict(await process.identity())


def _check(client: Client, workers: Iterable[str]) -> None:
    """Refuse workers that lack this distribution: one that cannot read its task would wait for ever."""
    asked = client.run(metadata.version, DISTRIBUTION, workers=list(workers), on_error="return")
    for worker, answer in asked.items():
        if not isinstance(answer, str):
            raise ValueError(f"the worker at {worker} lacks {DISTRIBUTION}: install the same version there")


def _here(experiment: Experiment, todo: Mapping[str, Setting], seed: int, keep: Keep) -> None:
    """In this process; an exception or interrupt loses the one setting that it meets."""
    done: dict[str, list[Row]] = {}
    began = time.perf_counter()
    try:
        for key, setting in todo.items():
            done[key] = rows_of(experiment, setting, seed)
            if time.perf_counter() - began >= BATCH_SECONDS:
                kept, done, began = done, {}, time.perf_counter()
                keep(kept)
    finally:
        if done:
            keep(done)


def _spread(
    executor: Executor,
    slots: Callable[[], int],
    experiment: Experiment,
    todo: Mapping[str, Setting],
    seed: int,
    keep: Keep,
    code: str | None = None,
) -> None:
    """Send settings in batches, as many at once as keep every slot busy, and keep what comes back as it comes."""
    waiting = deque(todo)
    flying: dict[Future[tuple[float, list[list[Row]]]], list[str]] = {}
    pace = math.inf  # seconds a setting, as the last batch took: one at a time until it is known
    try:
        while waiting or flying:
            free = max(1, slots())
            while waiting and len(flying) < AHEAD * free:
                # Batches shrink towards the end, so that no slot is left alone with a long one.
                share = min(BATCH_SECONDS / pace, len(waiting) / (AHEAD * free))
                keys = [waiting.popleft() for _ in range(max(1, int(share)))]
                batch = [todo[key] for key in keys]
                flying[executor.submit(_batch, experiment.id, batch, seed, code)] = keys
            done, _ = wait(flying, return_when=FIRST_COMPLETED)
            for future in done:
                seconds, rows = future.result()
                keys = flying.pop(future)
                pace = max(seconds, 1e-3) / len(keys)
                keep(dict(zip(keys, rows, strict=True)))
    finally:
        for future, keys in flying.items():
            # After a failure or an interrupt, what is complete is kept, and nothing is waited for.
            if not future.cancel() and future.done() and future.exception() is None:
                keep(dict(zip(keys, future.result()[1], strict=True)))


def _batch(name: str, settings: Sequence[Setting], seed: int, code: str | None) -> tuple[float, list[list[Row]]]:
    """Seconds that some settings took and the rows of each; in another process, where functions travel by name."""
    if code is not None and code != provenance.code_digest():
        raise ValueError("a worker of the cluster has another version of the code: install the same there")
    experiment = _by_name(name)
    began = time.perf_counter()
    rows = [rows_of(experiment, setting, seed) for setting in settings]
    return time.perf_counter() - began, rows


def _by_name(name: str) -> Experiment:
    """An experiment, without the imports of all others where its module has its name."""
    module = f"simulations.{name}"
    found = getattr(importlib.import_module(module), "EXPERIMENT", None) if util.find_spec(module) else None
    return found if isinstance(found, Experiment) else experiments()[name]


def rows_of(experiment: Experiment, setting: Setting, seed: int) -> list[Row]:
    """The rows of one setting as its table will hold them, whatever computes them."""
    return tables.plain(experiment.run(setting, generator(experiment, setting, seed)))


@contextmanager
def _one_thread() -> Iterator[None]:
    """Processes started in this context use one thread of linear algebra."""
    before = {name: os.environ.get(name) for name in THREADS}
    os.environ.update(dict.fromkeys(THREADS, "1"))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _follow_parent() -> None:
    """Leave interrupts to the parent, and end with it even if it is killed: nobody would take the results."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent: Any = multiprocessing.parent_process()

    def follow() -> None:
        parent.join()
        os._exit(1)

    threading.Thread(target=follow, daemon=True).start()
