"""The opening talk with an NBD server (fixed newstyle).

Asks for structured replies and metadata contexts, then for the export.  Only
the parts of the protocol that :mod:`blockstore.volume.connections.nbd` uses;
what a server does not know is simply left out of the answer.
"""

from collections.abc import Iterable
from collections.abc import Iterator
import dataclasses
import struct
import typing

from blockstore import exceptions

_OPTION_MAGIC = b'IHAVEOPT'
_REPLY_MAGIC = 0x3e889045565a9
_FIXED_NEWSTYLE = 1
_NO_ZEROES = 2

_GO = 7
_STRUCTURED_REPLY = 8
_SET_META_CONTEXT = 10

_ACK = 1
_INFO = 3
_META_CONTEXT = 4
_ERROR = 1 << 31
_INFO_EXPORT = 0
_INFO_BLOCK_SIZE = 3
_LONGEST_REPLY = 1 << 20

_ERRORS = {
    _ERROR | 1: 'the option is not supported',
    _ERROR | 2: 'refused by policy',
    _ERROR | 3: 'the request was invalid',
    _ERROR | 5: 'TLS is required',
    _ERROR | 6: 'there is no such export',
    _ERROR | 7: 'the server is shutting down',
}


class Wire(typing.Protocol):
    """What the handshake needs of a socket."""

    def receive(self, length: int) -> bytes:
        """Return exactly so many bytes."""

    def send(self, data: bytes) -> None:
        """Send all bytes."""


@dataclasses.dataclass(frozen=True)
class Terms:
    """What client and server agreed on."""

    size: int
    flags: int
    structured: bool
    contexts: dict[int, str]
    longest: int = 32 << 20


def negotiate(wire: Wire, export: str, contexts: Iterable[str]) -> Terms:
    """Talk until the export is open.

    :param contexts: names of metadata contexts that would be welcome.
    :raises ConnectionFailed: when the server refuses or talks nonsense.
    """
    magic, option, flags = struct.unpack('>8s8sH', wire.receive(18))
    if magic != b'NBDMAGIC' or option != _OPTION_MAGIC:
        raise exceptions.ConnectionFailed('this is no NBD server')
    if not flags & _FIXED_NEWSTYLE:
        raise exceptions.ConnectionFailed('the NBD server is too old')
    wire.send(struct.pack('>I', flags & (_FIXED_NEWSTYLE | _NO_ZEROES)))
    structured = _structured(wire)
    known = _contexts(wire, export, contexts) if structured else {}
    return _go(wire, export, structured, known)


def _ask(wire: Wire, option: int, data: bytes) -> None:
    wire.send(_OPTION_MAGIC + struct.pack('>II', option, len(data)) + data)


def _replies(wire: Wire, option: int) -> Iterator[tuple[int, bytes]]:
    """Yield replies up to and with the acknowledgement or an error."""
    while True:
        magic, echoed, kind, length = struct.unpack('>QIII', wire.receive(20))
        if magic != _REPLY_MAGIC or echoed != option:
            raise exceptions.ConnectionFailed('the NBD server lost its way')
        if length > _LONGEST_REPLY:
            raise exceptions.ConnectionFailed('an NBD reply is too long')
        yield kind, wire.receive(length)
        if kind == _ACK or kind & _ERROR:
            return


def _structured(wire: Wire) -> bool:
    _ask(wire, _STRUCTURED_REPLY, b'')
    return [kind for kind, _data in _replies(wire, _STRUCTURED_REPLY)
            ] == [_ACK]


def _text(name: str) -> bytes:
    data = name.encode()
    return struct.pack('>I', len(data)) + data


def _contexts(wire: Wire, export: str, wanted: Iterable[str],
              ) -> dict[int, str]:
    names = list(wanted)
    if not names:
        return {}
    _ask(wire, _SET_META_CONTEXT,
         _text(export) + struct.pack('>I', len(names))
         + b''.join(_text(name) for name in names))
    known = {}
    for kind, data in _replies(wire, _SET_META_CONTEXT):
        if kind == _META_CONTEXT and len(data) >= 4:
            known[struct.unpack('>I', data[:4])[0]] = data[4:].decode()
        elif kind & _ERROR and kind != _ERROR | 1:
            raise _refusal(kind, data, export)
    return known


def _go(wire: Wire, export: str, structured: bool, contexts: dict[int, str],
        ) -> Terms:
    _ask(wire, _GO, _text(export) + struct.pack('>HH', 1, _INFO_BLOCK_SIZE))
    size = flags = None
    longest = 32 << 20
    for kind, data in _replies(wire, _GO):
        if kind & _ERROR:
            raise _refusal(kind, data, export)
        if kind != _INFO or len(data) < 2:
            continue
        topic = struct.unpack('>H', data[:2])[0]
        if topic == _INFO_EXPORT and len(data) == 12:
            size, flags = struct.unpack('>QH', data[2:])
        elif topic == _INFO_BLOCK_SIZE and len(data) == 14:
            longest = struct.unpack('>III', data[2:])[2]
    if size is None or flags is None:
        raise exceptions.ConnectionFailed(
            f'the NBD server told no size for export {export!r}')
    return Terms(size, flags, structured, contexts, longest)


def _refusal(kind: int, data: bytes, export: str,
             ) -> exceptions.ConnectionFailed:
    reason = _ERRORS.get(kind, f'error {kind & ~_ERROR}')
    detail = data.decode(errors='replace')
    return exceptions.ConnectionFailed(
        f'the NBD server refused export {export!r}: {reason}'
        + (f' ({detail})' if detail else ''),
        remedy='ask for the connection again: its export may be gone')
