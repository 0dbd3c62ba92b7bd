"""Readers of frozen layers: each has a process that can be ended.

A client may stand still in the middle of a read: a stopped process, a host
that is suspended.  QEMU (7.2) then keeps its export, however hard it is
removed, until the client takes its answers or ends; and every change of the
graph in that process waits for it, with all other clients.  A backup that
stands still must hold up neither the volume's clients nor its own end.

So what was frozen is not read through the volume's daemon, but through one
that serves this one export.  It has nothing to write, and SIGKILL ends it
whatever its client does.
"""

from collections.abc import Sequence
import os
import signal
import time

from blockstore import exceptions
from blockstore.lifecycle import boundaries
from blockstore.volume.drivers.qsd import daemon as daemons
from blockstore.volume.drivers.qsd.backend import Backend

_END_TIMEOUT = 60.0     # the system ends it, unless it waits for a disk


class Reader(daemons.Daemon):
    """The process that serves one frozen layer."""

    def serve(self, export: str, chain: Sequence[str]) -> None:
        """Let clients read the first layer of a chain; repeatable."""
        if not self.alive():
            self.start()
        try:
            self.add_layers(chain, writable=False)
            self.add_export(export, writable=False, layer=chain[0])
        except exceptions.DriverError:
            self.kill()
            raise
        self.forget()

    def kill(self) -> None:
        """End the process at once, and cut its clients off.

        :raises DriverError: when the system cannot end it.
        """
        pid = self.pid()
        if pid is not None:
            with boundaries.around('driver', 'qsd.kill'):
                self._kill(pid)
        if self._process is not None:
            self._process.wait()
        self.stop()

    def _kill(self, pid: int) -> None:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            # It has ended meanwhile, which was wanted.
            return
        limit = time.monotonic() + _END_TIMEOUT
        while self.alive():
            if time.monotonic() > limit:
                raise exceptions.DriverError(
                    f'the storage daemon {pid}, by which volume '
                    f'{self.volume_id} is read, does not end',
                    remedy='look whether its disk still answers')
            time.sleep(0.002)


def find(backend: Backend, volume_id: str, export: str) -> Reader:
    """Return the reader of an export, running or not."""
    return backend.reading.get(export) or backend.reading.setdefault(
        export, Reader(volume_id, backend.settings, backend.images,
                       backend.direct(), daemons.stem(export)))


def open_(backend: Backend, volume_id: str, export: str, layer: str) -> None:
    """Let a frozen layer be read; repeatable."""
    find(backend, volume_id, export).serve(export,
                                           backend.chain.down(layer))


def close(backend: Backend, volume_id: str, export: str) -> None:
    """End the reading; gone is success."""
    find(backend, volume_id, export).kill()
    backend.reading.pop(export, None)
