"""What happens to resources, for those who want to be told.

Work tells of itself: the worker tells when an operation begins, its claim
when it ends, and a use case when it changes something by itself.  An event is
told in the transaction that makes it true, and becomes known when that is
durable; so each is told once, by the one that closed the operation.  Who is
told (:class:`Listener`) can neither fail nor hold up the work.

>>> listener.tell(tx, Event('volume.attach.end', 'volume', id, context))
"""

from collections.abc import Iterator
from collections.abc import Mapping
import dataclasses
import typing

from blockstore.context import RequestContext
from blockstore.db import operations as db
from blockstore.db.engine import Transaction

START, END, ERROR = 'start', 'end', 'error'
Details = Mapping[str, typing.Any]

# What consumers call an operation, and which of its arguments names the
# resource (None: the operation's own).  What is not here is nobody's business
# but ours.
_EVENTS: dict[str, tuple[tuple[str, str, str | None], ...]] = {
    'volume.create': (('volume', 'create', None),),
    'volume.delete': (('volume', 'delete', None),),
    'volume.extend': (('volume', 'resize', None),),
    'volume.revert': (('volume', 'revert', None),
                      ('snapshot', 'revert', 'snapshot_id')),
    'volume.manage': (('volume', 'manage_existing', None),),
    'volume.unmanage': (('volume', 'unmanage', None),),
    'snapshot.create': (('snapshot', 'create', None),),
    'snapshot.manage': (('snapshot', 'manage_existing_snapshot', None),),
    'snapshot.unmanage': (('snapshot', 'delete', None),),
    'snapshot.delete': (('snapshot', 'delete', None),),
    'attachment.connect': (('volume', 'attach', 'volume_id'),),
    'attachment.disconnect': (('volume', 'detach', 'volume_id'),),
    'backup.create': (('backup', 'create', None),),
    'backup.restore': (('backup', 'restore', None),),
    'backup.delete': (('backup', 'delete', None),),
}
# What consumers call a placing that is not called as the operation is.
_PLACINGS = {'volume.manage': 'manage_existing',
             'snapshot.manage': 'manage_existing_snapshot'}
# Long work that tells how far it is, every so many percent.
_PROGRESS = {'backup.create': 'createprogress'}
_STEP = 10


@dataclasses.dataclass(frozen=True)
class Event:
    """Something that happened to a resource.

    :ivar type: its name, such as ``volume.create.start``.
    :ivar noun: what the resource is: ``volume``, ``snapshot``, ``backup``.
    :ivar host: the service that tells; None for the resource's own.
    :ivar publisher: what kind of service that is; None for the noun.
    :ivar details: what is told besides what the resource is.
    """

    type: str
    noun: str
    resource_id: str
    context: RequestContext
    host: str | None = None
    publisher: str | None = None
    details: Details = dataclasses.field(default_factory=dict)

    @property
    def is_error(self) -> bool:
        """Tell whether it is bad news."""
        return 'error_code' in self.details


class Listener(typing.Protocol):
    """Wants to know what happens."""

    def tell(self, tx: Transaction, event: Event) -> None:
        """Note an event that is true when ``tx`` is durable; never raises."""


class Silence:
    """A listener for when nobody wants to know."""

    def tell(self, tx: Transaction, event: Event) -> None:
        """Do nothing."""


SILENCE: Listener = Silence()


def of_operation(row: db.Row, phase: str, context: RequestContext,
                 host: str | None, details: Details) -> Iterator[Event]:
    """Yield what an operation's begin or end means for its resources."""
    publisher = None
    if row.topic == 'scheduler':
        # Placing is no event: the back end tells when it begins. That
        # nothing was found is one.
        if phase != ERROR:
            return
        publisher = row.topic
        noun, _, verb = row.kind.partition('.')
        method = _PLACINGS.get(row.kind, f'{verb}_{noun}')
        yield Event(f'scheduler.{method}', noun, row.resource_id, context,
                    host, publisher, {**details, 'method': method})
    for noun, verb, argument in _EVENTS.get(row.kind, ()):
        id_ = row.arguments[argument] if argument else row.resource_id
        yield Event(f'{noun}.{verb}.{phase}', noun, id_, context, host,
                    publisher, details)


def of_progress(row: db.Row, told: int, percent: int,
                context: RequestContext, host: str | None,
                ) -> Iterator[Event]:
    """Yield what is told of a long operation's progress.

    :param told: the percentage that was told last.
    """
    verb = _PROGRESS.get(row.kind)
    if verb is not None and percent // _STEP > told // _STEP:
        noun = row.resource_type
        yield Event(f'{noun}.{verb}', noun, row.resource_id, context, host,
                    details={f'{noun}_percent': percent})


def is_first_start(row: db.Row) -> bool:
    """Tell whether a claim that was just made is the operation's first.

    One that was handed over counts its attempts anew, but has a step.
    """
    return row.attempt == 1 and row.step is None
