"""Counts the bytes of one backup or restore while they move.

>>> meter = Meter('backup')
>>> repository.backup(…, progress=meter.count)
"""

from blockstore import metrics
from blockstore.backup.store.results import Progress


class Meter:
    """Adds what is new in each progress to the counters of the process.

    :param work: ``backup`` or ``restore``.
    """

    def __init__(self, work: str) -> None:
        self._work = work
        self._last = Progress()

    def count(self, progress: Progress) -> None:
        """Count what has come since the last time."""
        last, self._last = self._last, progress
        for what, bytes_ in (
                ('read', progress.bytes_read - last.bytes_read),
                ('stored', progress.bytes_stored - last.bytes_stored),
                ('skipped', progress.bytes_skipped - last.bytes_skipped)):
            metrics.BYTES.labels(self._work, what).inc(max(0, bytes_))
