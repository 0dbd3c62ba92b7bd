"""One notification, from the moment that it is true until it is sent."""

from collections.abc import Callable
import dataclasses
import datetime
import threading
import typing

from oslo_utils import timeutils
from oslo_utils import uuidutils

from blockstore.context import RequestContext
from blockstore.db import models


@dataclasses.dataclass(frozen=True)
class Told:
    """What is told, and to be told again if need be: always the same.

    :ivar id: by which a consumer knows what it has heard before.
    :ivar at: when it became true (UTC).
    """

    event_type: str
    publisher_id: str
    is_error: bool
    context: RequestContext
    payload: dict[str, typing.Any]
    id: str = dataclasses.field(default_factory=uuidutils.generate_uuid)
    at: datetime.datetime = dataclasses.field(
        default_factory=timeutils.utcnow)

    def to_row(self) -> dict[str, typing.Any]:
        """Return the columns of its row; no token is among them."""
        return {'id': self.id, 'event_type': self.event_type,
                'publisher_id': self.publisher_id,
                'is_error': self.is_error,
                'context': self.context.to_dict(),
                'payload': self.payload, 'created_at': self.at}

    @classmethod
    def from_row(cls, row: models.Notification) -> 'Told':
        """Make it again from its row."""
        return cls(row.event_type, row.publisher_id, row.is_error,
                   RequestContext.from_dict(row.context, overwrite=False),
                   row.payload, row.id, row.created_at)


class Delivery:
    """Knows when all parts of one notification have been sent.

    It begins with one part, that of whoever hands the notification out.

    :param over: called once with the id and whether everything was sent.
    """

    def __init__(self, told: Told, over: Callable[[str, bool], None],
                 ) -> None:
        self.told = told
        self._over = over
        self._parts = 1
        self._good = True
        self._lock = threading.Lock()

    def begin(self) -> None:
        """Another part is going to be sent."""
        with self._lock:
            self._parts += 1

    def end(self, good: bool) -> None:
        """One part was sent, or could not be."""
        with self._lock:
            self._parts -= 1
            self._good = self._good and good
            last = self._parts == 0
        if last:
            self._over(self.told.id, self._good)
