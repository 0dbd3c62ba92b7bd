"""What passes between a driver and those who call it.

:mod:`blockstore.volume.drivers.base` has all of these names, too.
"""

from collections.abc import Iterable
from collections.abc import Mapping
import typing

Updates = Mapping[str, typing.Any]
Connector = Mapping[str, typing.Any]
ConnectionInfo = dict[str, typing.Any]
Document = dict[str, typing.Any]


class Volume(typing.Protocol):
    """What a driver sees of a volume."""

    id: str
    project_id: str
    size: int
    provider_location: str | None
    provider_auth: str | None

    @property
    def name(self) -> str:
        """Name on the back end, made from the id (``volume-<id>``)."""


class Snapshot(typing.Protocol):
    """What a driver sees of a snapshot."""

    id: str
    project_id: str
    volume_id: str
    volume_size: int
    provider_location: str | None
    provider_auth: str | None

    @property
    def name(self) -> str:
        """Name on the back end, made from the id (``snapshot-<id>``)."""

    @property
    def volume_name(self) -> str:
        """Name of the parent volume on the back end."""


class Book(typing.Protocol):
    """Durable facts of one back end, kept for its driver by the service.

    A document is a JSON object under a key (any string up to 255 characters).
    There is one writer at a time, the volume service that owns the back end,
    unless the driver is :attr:`Driver.SHAREABLE`.
    """

    def read(self, key: str) -> Document | None:
        """Return a copy of the document, or None."""

    def items(self) -> Iterable[tuple[str, Document]]:
        """Return copies of all documents of this back end."""

    def commit(self, changes: Mapping[str, Document | None]) -> None:
        """Write or (None) remove documents: all of them or none, durably."""


class BackendObject(typing.NamedTuple):
    """Something that a driver made and that must have an owner row."""

    kind: str           # 'volume', 'snapshot', 'export', 'file', 'process'
    id: str             # the id of the owning volume or snapshot
    detail: str = ''    # file name, export name, pid …
