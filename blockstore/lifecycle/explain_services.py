"""Services in plain words: who is alive, who holds what, who goes on with it.

A lease names its owner (``volume node1@fast 4be1…``); the service of that
name reports itself every few seconds.  Both together tell a worker that is
slow from one that is gone.
"""

from collections.abc import Iterator
import datetime

from oslo_config import cfg
from oslo_utils import timeutils

from blockstore.db import clock
from blockstore.db import operations as db
from blockstore.db import services as db_services
from blockstore.db.engine import Transaction
from blockstore.lifecycle import operations

_BINARIES = {'volume': db_services.VOLUME, 'backup': db_services.BACKUP,
             'scheduler': db_services.SCHEDULER}


def age(since: datetime.datetime) -> str:
    """Return how long ago a time was, or how far ahead, for people."""
    seconds = int(abs((timeutils.utcnow() - since).total_seconds()))
    for size, unit in ((86400, 'd'), (3600, 'h'), (60, 'min')):
        if seconds >= 2 * size:
            return f'{seconds // size} {unit}'
    return f'{seconds} s'


def explain(tx: Transaction, conf: cfg.ConfigOpts, host: str,
            ) -> Iterator[str]:
    """Tell of the services of a host: alive or not, and with what work."""
    for row in db_services.page(tx, host):
        yield _service(tx, conf, row)
        topic = next((name for name, binary in _BINARIES.items()
                      if binary == row.binary), None)
        if topic is None:
            continue
        held = db.held_by(tx, f'{topic} ', row.host)
        for one in held:
            yield (f'It holds {one.kind} {one.id} of {one.resource_id}, '
                   f'attempt {one.attempt}.')
        waiting = db.waiting_for(tx, topic, row.host)
        if waiting:
            yield (f'{waiting} operations wait for {row.binary} on '
                   f'{row.host}.')


def holds(tx: Transaction, row: db.Row) -> bool:
    """Tell whether somebody's lease of an operation is good."""
    return bool(row.lease_owner and row.lease_expires_at
                and row.lease_expires_at >= clock.read(tx))


def holder(tx: Transaction, conf: cfg.ConfigOpts, row: db.Row,
           ) -> Iterator[str]:
    """Tell who works on an operation, whether it lives, and what if not."""
    expires = row.lease_expires_at or row.created_at
    if row.step == operations.ANSWER:
        yield (f'What was asked for is there; the API process that had asked '
               f'fetches it within {age(expires)}. If it is gone, all is '
               'undone then.')
        return
    yield (f'"{row.lease_owner}" works on it, attempt {row.attempt}. Its '
           f'lease is good for another {age(expires)} and is renewed while '
           'it lives; if it dies, another takes over then, and '
           f'{conf.operations.poll_interval:g} s later at the latest.')
    service = _service_of(tx, row)
    if service is not None and service.reported_at is not None:
        alive = _is_up(tx, conf, service)
        yield (f'That service reported itself {age(service.reported_at)} '
               f'ago: it is {"up" if alive else "down"}.')
    yield (f'To take it away from there: blockstore-manage operation release '
           f'{row.id}; to give it up: blockstore-manage operation fail '
           f'{row.id}.')


def waiting(tx: Transaction, conf: cfg.ConfigOpts, row: db.Row,
            ) -> Iterator[str]:
    """Tell who will take up an operation that nobody holds."""
    if row.lease_owner and row.lease_expires_at:
        yield (f'"{row.lease_owner}" has worked on it, but has given no sign '
               f'of life: its lease ended {age(row.lease_expires_at)} ago.')
    binary = _BINARIES.get(row.topic, row.topic)
    place = f' on {row.host}' if row.host else ''
    live = [service.host for service in db_services.live(
        tx, binary, conf.service.service_down_time)
        if row.host in (None, service.host)]
    if live:
        yield (f'{", ".join(live)} ({binary}) takes it up within '
               f'{conf.operations.poll_interval:g} s.')
    else:
        yield (f'No {binary}{place} is up and enabled: start one. Until '
               'then nothing happens.')


def _service(tx: Transaction, conf: cfg.ConfigOpts, row: db_services.Row,
             ) -> str:
    up = _is_up(tx, conf, row)
    reported = (f'reported itself {age(row.reported_at)} ago'
                if row.reported_at else 'never reported itself')
    switched = (f'disabled ({row.disabled_reason or "no reason given"}) and '
                'gets no new volumes or backups'
                if row.disabled else 'enabled')
    told = (f'{row.binary} on {row.host} is {"up" if up else "down"} and '
            f'{switched}; it {reported}.')
    if not up:
        told += (' Start it, or look into its log; what it held is taken up '
                 'by another if the back end is shared, or else by its next '
                 'start.')
    return told


def _service_of(tx: Transaction, row: db.Row) -> db_services.Row | None:
    """Return the service that a lease's owner is a process of."""
    words = (row.lease_owner or '').split(' ')
    binary = _BINARIES.get(words[0])
    if binary is None or len(words) != 3:
        return None
    # A host that shares a back end stands before its name.
    return db_services.get(tx, words[1].rpartition('/')[2], binary)


def _is_up(tx: Transaction, conf: cfg.ConfigOpts, row: db_services.Row,
           ) -> bool:
    return db_services.is_up(row, db_services.oldest(
        tx, conf.service.service_down_time))
