"""The rows of services: heartbeats, switches and what back ends can do.

A service reports itself every few seconds.  It is *up* while its last report
is younger than the down time, and *live* when it is up and enabled.

>>> services.report(tx, 'node1@fast', services.VOLUME, zone='az1',
...                 capabilities=driver.get_volume_stats())
>>> services.live(tx, services.VOLUME, down_time=60)
"""

from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Mapping
import datetime
import typing

from oslo_db import exception as db_exception
from oslo_utils import timeutils
from oslo_utils import uuidutils
import sqlalchemy as sa

from blockstore.db import clock
from blockstore.db import models
from blockstore.db import rows
from blockstore.db.engine import Transaction

Row = models.Service

# The names that clients filter by.
API = 'cinder-api'
SCHEDULER = 'cinder-scheduler'
VOLUME = 'cinder-volume'
BACKUP = 'cinder-backup'

_T = rows.table(Row)


class Pool(typing.NamedTuple):
    """A part of a back end that the scheduler chooses among.

    :param name: ``host@backend#pool``.
    :param capabilities: what the driver says of it, with the back end's own
        values where the pool has none.
    """

    name: str
    capabilities: dict[str, typing.Any]
    service: Row


def report(tx: Transaction, host: str, binary: str, *, topic: str = '',
           zone: str = 'nova',
           capabilities: Mapping[str, typing.Any] | None = None,
           backend_state: str | None = None,
           rpc_version: str | None = None,
           object_version: str | None = None) -> None:
    """Note that a service is alive; the first report makes its row.

    :param topic: where it listens; the binary's name if not given.
    :param capabilities: the driver's stats; None keeps those of before.
    :param backend_state: ``up`` or ``down``; None keeps that of before.
    :param rpc_version: the newest version of its RPC API that it speaks.
    :param object_version: the newest shapes of its answers.
    """
    now = clock.now(tx)
    values: dict[str, typing.Any] = {
        'topic': topic or binary, 'availability_zone': zone,
        'reported_at': now, 'updated_at': now}
    if capabilities is not None:
        values['capabilities'] = dict(capabilities)
    if backend_state is not None:
        values['backend_state'] = backend_state
    if rpc_version is not None:
        values['rpc_version'] = rpc_version
    if object_version is not None:
        values['object_version'] = object_version
    if _report_again(tx, host, binary, values):
        return
    try:
        with tx.connection.begin_nested():
            rows.insert(tx, Row, uuid=uuidutils.generate_uuid(), host=host,
                        binary=binary, report_count=1, **values)
    except db_exception.DBDuplicateEntry:
        # Another process of the same service was first.
        _report_again(tx, host, binary, values)


def page(tx: Transaction, host: str | None = None,
         binary: str | None = None) -> list[Row]:
    """Return services in the order of binary and host.

    :param host: also finds the back ends of a host (``host@…``).
    """
    statement = sa.select(_T).order_by(_T.c.binary, _T.c.host)
    if host is not None:
        statement = statement.where(sa.or_(
            _T.c.host == host,
            _T.c.host.startswith(f'{host}@', autoescape=True)))
    if binary is not None:
        statement = statement.where(_T.c.binary == binary)
    return typing.cast('list[Row]', list(tx.execute(statement)))


def get(tx: Transaction, host: str, binary: str) -> Row | None:
    """Return one service."""
    statement = sa.select(_T).where(_T.c.host == host,
                                    _T.c.binary == binary)
    return typing.cast('Row | None', tx.execute(statement).one_or_none())


def live(tx: Transaction, binary: str, down_time: float) -> list[Row]:
    """Return the services that are up and enabled: who may get work."""
    statement = sa.select(_T).where(
        _T.c.binary == binary, _T.c.disabled == sa.false(),
        _T.c.reported_at >= clock.now(tx, -down_time)).order_by(_T.c.host)
    return typing.cast('list[Row]', list(tx.execute(statement)))


def oldest(tx: Transaction, down_time: float) -> datetime.datetime:
    """Return when a service that is up must have reported the last time.

    :param down_time: seconds.
    """
    return clock.read(tx) - datetime.timedelta(seconds=down_time)


def is_up(row: Row, oldest_report: datetime.datetime) -> bool:
    """Tell whether a service has reported since then; see :func:`oldest`."""
    return row.reported_at is not None and row.reported_at >= oldest_report


def spoken(tx: Transaction, topic: str, down_time: float,
           ) -> list[str | None]:
    """Return the RPC versions that living services of a topic speak.

    None stands for a service of a release that did not tell yet.
    """
    statement = sa.select(_T.c.rpc_version).where(
        _T.c.topic == topic,
        _T.c.reported_at >= clock.now(tx, -down_time))
    return list(tx.execute(statement.distinct()).scalars())


def switch(tx: Transaction, host: str, binary: str, *, disabled: bool,
           reason: str | None = None) -> bool:
    """Enable or disable a service; tell whether there is one."""
    statement = sa.update(_T).where(_T.c.host == host,
                                    _T.c.binary == binary)
    return tx.execute(statement.values(
        disabled=disabled, disabled_reason=reason,
        updated_at=timeutils.utcnow())).rowcount == 1


def delete(tx: Transaction, host: str, binary: str) -> bool:
    """Forget a service that is gone for good; tell whether it was there."""
    statement = sa.delete(_T).where(_T.c.host == host,
                                    _T.c.binary == binary)
    return tx.execute(statement).rowcount == 1


def pools(services: Iterable[Row]) -> Iterator[Pool]:
    """Yield the pools of volume services.

    A driver that names no pools has one, called as its back end.
    """
    for service in services:
        stats = dict(service.capabilities or {})
        own = stats.pop('pools', None) or [{}]
        backend = service.host.partition('@')[2]
        for pool in own:
            merged = {**stats, **pool}
            name = (merged.get('pool_name')
                    or merged.get('volume_backend_name') or backend)
            merged['pool_name'] = name
            yield Pool(f'{service.host}#{name}', merged, service)


def _report_again(tx: Transaction, host: str, binary: str,
                  values: Mapping[str, typing.Any]) -> bool:
    statement = sa.update(_T).where(_T.c.host == host,
                                    _T.c.binary == binary)
    return tx.execute(statement.values(
        report_count=_T.c.report_count + 1, **values)).rowcount == 1
