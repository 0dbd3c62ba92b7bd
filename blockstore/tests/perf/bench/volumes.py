"""A volume in use: attached as a client would, filled through NBD."""

from collections.abc import Iterable
import pathlib
import typing

from blockstore.tests.perf import data
from blockstore.tests.perf.bench.service import Service
from blockstore.volume import connections


class Attached:
    """A volume while it is attached.

    >>> with Attached(service, id) as volume:
    ...     volume.fill(data.noise(1024))
    """

    def __init__(self, service: Service, id_: str) -> None:
        self.id = id_
        self._service = service
        self._attachment: typing.Any = None
        self._connection: typing.Any = None

    def __enter__(self) -> 'Attached':
        self._attachment = self._service.request('POST', 'attachments', {
            'attachment': {'volume_uuid': self.id, 'instance_uuid': self.id,
                           'connector': {'host': 'bench'}}})['attachment']
        info = dict(self._attachment['connection_info'])
        kind = info.pop('driver_volume_type')
        self._connection = connections.open_connection(
            {'driver_volume_type': kind, 'data': info}, writable=True)
        self._service.request(
            'POST', f'attachments/{self._attachment["id"]}/action',
            {'os-complete': None})
        return self

    def __exit__(self, *error: object) -> None:
        self._connection.close()
        self._service.request(
            'DELETE', f'attachments/{self._attachment["id"]}')
        self._service.wait('volumes', self.id)

    def fill(self, pieces: Iterable[data.Piece]) -> int:
        """Write pieces and flush; return how many bytes that were."""
        written = 0
        for offset, piece in pieces:
            self._connection.write(offset, piece)
            written += len(piece)
        self._connection.flush()
        return written


def bytes_read(service: Service) -> int:
    """Return what the storage daemons have read from files so far."""
    total = 0
    for pid in service.storage_daemons():
        text = pathlib.Path(f'/proc/{pid}/io').read_text()
        total += int(text.partition('rchar: ')[2].split()[0])
    return total
