"""Whether chunks that a backup wants to take over are there.

One look costs a round trip to the store, so some threads share them.

>>> with Presence(store, workers=6) as presence:
...     presence.absent(entries)
[17]
"""

from concurrent import futures
import types

from blockstore.backup.store import chunks
from blockstore.backup.store import keys

WIDTH = keys.HASH_LENGTH
_LEAST = 8


class Presence:
    """Looks for chunks in a store, in threads of its own.

    For chunks that a manifest or journal reaches; see
    :meth:`blockstore.backup.store.chunks.ChunkStore.present`.
    """

    def __init__(self, store: chunks.ChunkStore, workers: int) -> None:
        self._store = store
        self._workers = workers
        self._executor = futures.ThreadPoolExecutor(workers, 'store-look')

    def __enter__(self) -> 'Presence':
        return self

    def __exit__(self, kind: type[BaseException] | None,
                 error: BaseException | None,
                 trace: types.TracebackType | None) -> None:
        self._executor.shutdown(cancel_futures=True)

    def absent(self, entries: bytes) -> list[int]:
        """Tell the positions, ascending, of entries without a chunk.

        :param entries: joined; zero chunks are never absent.
        """
        every = [entries[start:start + WIDTH]
                 for start in range(0, len(entries), WIDTH)]
        wanted = list(set(every) - {chunks.ZERO})
        step = max(_LEAST, -(-len(wanted) // self._workers))
        parts = [wanted[start:start + step]
                 for start in range(0, len(wanted), step)]
        lost = set().union(*self._executor.map(self._look, parts))
        if not lost:
            return []
        return [position for position, entry in enumerate(every)
                if entry in lost]

    def _look(self, wanted: list[bytes]) -> list[bytes]:
        return [entry for entry in wanted if not self._store.present(entry)]
