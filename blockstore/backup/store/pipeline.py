"""Carries out a plan: read → zero test → hash → compress → write.

One thread reads, as a connection wants it; a few others do the rest for whole
chunks.  What bounds the memory is the number of buffers: the reader waits for
a free one.  Results come out in the order of the plan, in the caller's
thread.

Only a worker notices that the base of a chunk is lost or damaged.  It asks
the reader for the rest of the chunk and waits; so the reader answers whenever
it waits itself, and to the very end.
"""

from collections.abc import Generator
from collections.abc import Iterable
from collections.abc import Iterator
from concurrent import futures
import contextlib
import dataclasses
import mmap
import queue
import threading
import time

from oslo_log import log as logging

from blockstore import exceptions
from blockstore.backup.store import chunks
from blockstore.backup.store import plan
from blockstore.backup.store import results
from blockstore.backup.stores import base as stores
from blockstore.volume.connections import base as connections

LOG = logging.getLogger(__name__)

_BATCH = 4
_POLL = 0.1
_QUEUED = 64


@dataclasses.dataclass(frozen=True)
class Done:
    """A unit whose chunks are in the store.

    :ivar entries: of its chunks, joined.
    :ivar covered: bytes of the image.
    :ivar read: bytes read from the volume.
    :ivar stored: bytes added to the store.
    :ivar written: chunks added to the store.
    :ivar reused: chunks that were there already.
    :ivar found: monotonic time of the look whether they are there.
    """

    first: int
    entries: bytes
    covered: int
    read: int = 0
    stored: int = 0
    written: int = 0
    reused: int = 0
    found: float | None = None


_Future = futures.Future[Done]


class Spare:
    """What a worker asks the reader for.

    :ivar unit: the chunk whose base cannot be used.
    :ivar settled: set when it is read, or has failed.
    """

    def __init__(self, unit: plan.Read, buffer: mmap.mmap) -> None:
        self.unit = unit
        self.buffer = buffer
        self.settled = threading.Event()
        self.error: BaseException | None = None


class Stopped(Exception):
    """Raised inside the pipeline's own threads when it is told to end."""


class Pipeline:
    """Reads one source into one store.

    :param chunk_bytes: length of a buffer.
    :param size: bytes of the image.
    :param pace: asked before each read.
    """

    def __init__(self, store: chunks.ChunkStore,
                 source: connections.Connection, size: int,
                 chunk_bytes: int, workers: int,
                 pace: results.Pace = results.without_limit) -> None:
        self._store = store
        self._source = source
        self._size = size
        self._chunk_bytes = chunk_bytes
        self._workers = workers
        self._pace = pace
        self._free: queue.Queue[mmap.mmap | None] = queue.Queue()
        for _ in range(workers + _BATCH):
            self._free.put(None)
        self._ordered: queue.Queue[Done | _Future | BaseException | None]
        self._ordered = queue.Queue(_QUEUED)
        self._asked: queue.SimpleQueue[Spare] = queue.SimpleQueue()
        self._stop = threading.Event()

    def run(self, units: Iterator[plan.Unit],
            ) -> Generator[Done | None, None, None]:
        """Yield what is done, in order; None where it takes long.

        Whatever a thread raises is raised here.  Close the generator to end
        early; it returns when its threads have ended.
        """
        executor = futures.ThreadPoolExecutor(self._workers, 'store-chunk')
        reader = threading.Thread(target=self._read, name='store-read',
                                  args=(units, executor), daemon=True)
        reader.start()
        try:
            yield from self._results()
        finally:
            self._stop.set()
            reader.join()
            executor.shutdown(cancel_futures=True)

    def _results(self) -> Iterator[Done | None]:
        while True:
            try:
                item = self._ordered.get(timeout=_POLL)
            except queue.Empty:
                yield None
                continue
            if item is None:
                return
            if isinstance(item, BaseException):
                raise item
            while isinstance(item, futures.Future):
                futures.wait([item], _POLL)
                if item.done():
                    item = item.result()
                else:
                    yield None
            yield item

    # The reader's thread.

    def _read(self, units: Iterator[plan.Unit],
              executor: futures.Executor) -> None:
        last: BaseException | None = None
        try:
            while batch := self._batch(units):
                self._fill(batch, executor)
        except Stopped:
            return
        except BaseException as error:  # noqa: BLE001
            # Not swallowed: run() raises it in the caller's thread.
            last = error
        with contextlib.suppress(Stopped):
            self._offer(last)
        while not self._stop.wait(_POLL):
            self._answer()

    def _batch(self, units: Iterator[plan.Unit],
               ) -> list[tuple[plan.Unit, mmap.mmap | None]]:
        batch: list[tuple[plan.Unit, mmap.mmap | None]] = []
        buffers = 0
        for unit in units:
            if isinstance(unit, plan.Known):
                batch.append((unit, None))
            else:
                batch.append((unit, self._buffer()))
                buffers += 1
            if buffers == _BATCH or len(batch) == _QUEUED:
                break
        return batch

    def _fill(self, batch: list[tuple[plan.Unit, mmap.mmap | None]],
              executor: futures.Executor) -> None:
        requests = (request for unit, buffer in batch
                    if isinstance(unit, plan.Read) and buffer is not None
                    for request in self._requests(unit.index, unit.runs,
                                                  buffer))
        answers = self._source.read_many(requests)
        found: list[Done | _Future] = []
        for unit, buffer in batch:
            if isinstance(unit, plan.Known):
                found.append(self._known(unit))
            elif buffer is not None:
                for _ in unit.runs:
                    next(answers)
                found.append(executor.submit(self._settle, unit, buffer))
        # To its end, so that the connection can tidy up.
        next(answers, None)
        # Not before that: who offers may have to read something else.
        for item in found:
            self._offer(item)

    def _requests(self, index: int, runs: Iterable[plan.Run],
                  buffer: mmap.mmap) -> Iterator[tuple[int, memoryview]]:
        for start, length in runs:
            while not self._pace(length, _POLL):
                if self._stop.is_set():
                    raise Stopped
            yield (index * self._chunk_bytes + start,
                   memoryview(buffer)[start:start + length])

    def _answer(self) -> None:
        """Read what workers have asked for."""
        while True:
            try:
                spare = self._asked.get_nowait()
            except queue.Empty:
                return
            try:
                for _ in self._source.read_many(self._requests(
                        spare.unit.index, spare.unit.spare, spare.buffer)):
                    pass
            except BaseException as error:  # noqa: BLE001
                # Not swallowed: the worker raises it, then run().
                spare.error = error
            spare.settled.set()

    def _buffer(self) -> mmap.mmap:
        while not self._stop.is_set():
            self._answer()
            with contextlib.suppress(queue.Empty):
                # Buffers are page-aligned, for O_DIRECT, and made when first
                # needed: small volumes need few.
                buffer = self._free.get(timeout=_POLL)
                return buffer or mmap.mmap(-1, self._chunk_bytes)
        raise Stopped

    def _offer(self, item: Done | _Future | BaseException | None) -> None:
        while not self._stop.is_set():
            with contextlib.suppress(queue.Full):
                self._ordered.put(item, timeout=_POLL)
                return
            self._answer()
        raise Stopped

    def _known(self, unit: plan.Known) -> Done:
        start = unit.first * self._chunk_bytes
        end = (unit.first + unit.count) * self._chunk_bytes
        return Done(unit.first, unit.entries, min(end, self._size) - start,
                    reused=count_data(unit.entries))

    # The workers' threads.

    def _settle(self, unit: plan.Read, buffer: mmap.mmap) -> Done:
        try:
            base = None if unit.base is None else self._base(unit.base)
            if unit.base is not None and base is None:
                unit = self._without_base(unit, buffer)
            with memoryview(buffer)[:unit.length] as plain:
                self._complete(unit, plain, base)
                return self._store_chunk(unit, plain)
        finally:
            self._free.put(buffer)

    def _base(self, digest: bytes) -> stores.Buffer | None:
        try:
            return self._store.get(digest)
        except exceptions.StoreObjectMissing as error:
            LOG.warning('Read from the volume again: %s', error)
        except exceptions.StoreObjectDamaged as error:
            LOG.warning('Read from the volume again: %s', error)
            # The chunk may turn out to be the same: then it is healed.
            self._store.set_aside(digest)
        return None

    def _without_base(self, unit: plan.Read, buffer: mmap.mmap) -> plan.Read:
        spare = Spare(unit, buffer)
        self._asked.put(spare)
        while not spare.settled.wait(_POLL):
            if self._stop.is_set():
                raise Stopped
        if spare.error is not None:
            raise spare.error
        runs = plan.merge(list(unit.runs), list(unit.spare))
        return dataclasses.replace(unit, runs=tuple(runs), base=None)

    def _complete(self, unit: plan.Read, plain: memoryview,
                  base: stores.Buffer | None) -> None:
        whole = [plan.Run(0, unit.length)]
        gaps = plan.subtract(whole, list(unit.runs))
        if not gaps:
            return
        zeros = memoryview(self._store.zeros)
        for start, length in gaps:
            plain[start:start + length] = zeros[:length]
        if base is None:
            return
        known = memoryview(base)[:unit.length]
        for start, length in plan.subtract(gaps, list(unit.zeroes)):
            part = known[start:start + length]
            plain[start:start + len(part)] = part

    def _store_chunk(self, unit: plan.Read, plain: memoryview) -> Done:
        entry = self._store.entry(plain)
        read = sum(run.length for run in unit.runs)
        if entry == chunks.ZERO or (entry == unit.parent
                                    and self._store.present(entry)):
            return Done(unit.index, entry, unit.length, read,
                        reused=int(entry != chunks.ZERO))
        found = time.monotonic()
        stored = self._store.put(entry, plain)
        return Done(unit.index, entry, unit.length, read, stored,
                    written=int(stored > 0), reused=int(stored == 0),
                    found=found)


def count_data(entries: bytes) -> int:
    """Tell how many of some entries, joined, are not zero chunks."""
    width = len(chunks.ZERO)
    return sum(entries[start:start + width] != chunks.ZERO
               for start in range(0, len(entries), width))
