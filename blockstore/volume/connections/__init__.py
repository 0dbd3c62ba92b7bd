"""Opening the way to a volume's bytes from a ``connection_info``.

>>> info = driver.initialize_connection(volume, connector)
>>> connection = open_connection(info)
>>> connection.read_into(0, memoryview(bytearray(4096)))
"""

from collections.abc import Mapping
import typing

from blockstore import exceptions
from blockstore.volume.connections import iscsi
from blockstore.volume.connections import local
from blockstore.volume.connections import memory
from blockstore.volume.connections import nbd
from blockstore.volume.connections.base import Connection
from blockstore.volume.connections.iscsi import initiator_name

__all__ = ('Connection', 'initiator_name', 'open_connection')


def open_connection(connection_info: Mapping[str, typing.Any], *,
                    writable: bool = False) -> Connection:
    """Open what a driver's ``initialize_connection`` answered.

    :param connection_info: ``{'driver_volume_type': 'nbd' | 'local' |
        'iscsi' | 'memory', 'data': {…}}``.
    :param writable: whether writes are wanted.
    :raises ConnectionFailed: when the bytes cannot be reached, or the type
        is unknown here.
    """
    kind = connection_info.get('driver_volume_type')
    data = connection_info.get('data') or {}
    if kind == 'nbd':
        return nbd.connect(data, writable=writable)
    if kind == 'local':
        return local.connect(data, writable=writable)
    if kind == 'iscsi':
        return iscsi.connect(data, writable=writable)
    if kind == 'memory':
        return memory.connect(data, writable=writable)
    raise exceptions.ConnectionFailed(
        f'connections of the type {kind!r} cannot be opened here',
        remedy='use a back end that answers nbd, local or iscsi connections')
