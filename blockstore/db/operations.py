"""The rows of operations: started, claimed by lease, renewed, finished.

Projects take turns: of those that wait for the same kind of work, the one is
next whose last claim is longest ago.  That stands in the rows, so it holds
for all services of a topic together and whoever is started anew.
"""

import datetime
import functools
import types
import typing

from oslo_utils import timeutils
import sqlalchemy as sa

from blockstore.db import clock
from blockstore.db import models
from blockstore.db import rows
from blockstore.db.engine import Transaction

_T = rows.table(models.Operation)
Row = models.Operation

PENDING, RUNNING, DONE, FAILED = 'pending', 'running', 'done', 'failed'
OPEN = (PENDING, RUNNING)
_NEVER = datetime.datetime(1970, 1, 1)


class Due(typing.NamedTuple):
    """An operation that may be taken up.

    :ivar more: whether others of its kind and project wait behind it.
    """

    id: str
    kind: str
    more: bool


def get(tx: Transaction, id_: str) -> Row | None:
    """Return one operation."""
    return rows.get(tx, Row, id_)


def insert(tx: Transaction, **values: typing.Any) -> None:
    """Add an operation that nobody holds yet."""
    # By the clock of all hosts: those of one resource have an order.
    rows.insert(tx, Row, state=PENDING, created_at=clock.now(tx), **values)


def due(tx: Transaction, topic: str, hosts: tuple[str, ...], limit: int,
        kinds: tuple[str, ...] | None = None) -> list[Due]:
    """Return what these hosts may take up, whose turn it is first.

    For each kind and project it is the one that comes first: what another
    worker left, then the oldest.  The operations of one resource are due one
    after the other.
    """
    statement = _due(tx.connection.dialect.name, topic, hosts, kinds)
    return [Due(id_, kind, bool(others)) for id_, kind, others
            in tx.execute(statement, {'at_most': limit})]


# Making it takes many times longer than running it.
@functools.lru_cache(256)
def _due(dialect: str, topic: str, hosts: tuple[str, ...],
         kinds: tuple[str, ...] | None) -> sa.Select[typing.Any]:
    """Make the statement of :func:`due`."""
    waiting = sa.select(_T.c.kind, _T.c.project_id).where(
        _T.c.state.in_(OPEN), _T.c.topic == topic, _known(kinds),
        _for(_T, hosts)).distinct().subquery('waiting')

    def first(state: str) -> sa.ScalarSelect[typing.Any]:
        one = _T.alias(f'first_{state}')
        return sa.select(one.c.id).where(
            one.c.state == state, one.c.project_id == waiting.c.project_id,
            one.c.topic == topic, one.c.kind == waiting.c.kind,
            _for(one, hosts), _free(dialect, one), ~_older_open(one)
            ).order_by(one.c.created_at, one.c.id).limit(1).scalar_subquery()

    served = _T.alias('served')
    heads = sa.select(
        sa.func.coalesce(first(RUNNING), first(PENDING)).label('id'),
        sa.select(served.c.claimed_at).where(
            served.c.project_id == waiting.c.project_id,
            served.c.topic == topic, served.c.kind == waiting.c.kind,
            served.c.claimed_at.is_not(None)).order_by(
                served.c.claimed_at.desc()).limit(1).scalar_subquery()
        .label('served_at')).select_from(waiting).subquery('heads')
    other = _T.alias('other')
    more = sa.exists().where(
        other.c.state.in_(OPEN), other.c.project_id == _T.c.project_id,
        other.c.topic == topic, other.c.kind == _T.c.kind,
        _for(other, hosts), _free(dialect, other), other.c.id != _T.c.id)
    return sa.select(_T.c.id, _T.c.kind, more).join(
        heads, heads.c.id == _T.c.id).order_by(
            sa.func.coalesce(heads.c.served_at, _NEVER), _T.c.created_at,
            _T.c.id).limit(sa.bindparam('at_most', type_=sa.Integer))


def anything_waits(tx: Transaction, topic: str, hosts: tuple[str, ...],
                   kinds: tuple[str, ...]) -> bool:
    """Tell whether nobody holds some operation that these hosts may do."""
    statement = _waiting(tx.connection.dialect.name, topic, hosts, kinds)
    return tx.execute(statement).first() is not None


@functools.lru_cache(64)
def _waiting(dialect: str, topic: str, hosts: tuple[str, ...],
             kinds: tuple[str, ...]) -> sa.Select[typing.Any]:
    return sa.select(sa.literal_column('1')).select_from(_T).where(
        _T.c.state.in_(OPEN), _T.c.topic == topic, _known(kinds),
        _for(_T, hosts), _free(dialect, _T)).limit(1)


def offered(tx: Transaction, id_: str, topic: str, hosts: tuple[str, ...],
            kinds: tuple[str, ...] | None = None) -> Row | None:
    """Return an operation that these hosts may take now, and hold its row.

    An operation waits for older open ones on the same resource.
    """
    row = tx.execute(
        _offered(tx.connection.dialect.name, topic, hosts, kinds),
        {'this': id_}).one_or_none()
    return (None if row is None or row.waits
            else typing.cast('Row', types.SimpleNamespace(**row._mapping)))


@functools.lru_cache(64)
def _offered(dialect: str, topic: str, hosts: tuple[str, ...],
             kinds: tuple[str, ...] | None) -> sa.Select[typing.Any]:
    return sa.select(_T, _older_open(_T).label('waits')).where(
        _T.c.id == sa.bindparam('this'), _T.c.state.in_(OPEN),
        _T.c.topic == topic, _known(kinds), _for(_T, hosts),
        _free(dialect, _T)).with_for_update()


def take(tx: Transaction, row: Row, owner: str, lease: float) -> Row:
    """Let a worker hold what was offered to it in this transaction.

    :returns: the row as it is from now on, but for the times.
    """
    changes = {'state': RUNNING, 'attempt': row.attempt + 1,
               'lease_owner': owner}
    tx.execute(_take(tx.connection.dialect.name, lease), {
        **changes, 'this': row.id,
        'updated_at': timeutils.utcnow()})
    return typing.cast('Row', types.SimpleNamespace(
        **{**vars(row), **changes}))


@functools.lru_cache(64)
def _take(dialect: str, lease: float) -> sa.Update:
    return sa.update(_T).where(_T.c.id == sa.bindparam('this')).values(
        lease_expires_at=clock.sql(dialect, lease),
        claimed_at=clock.sql(dialect))


def claim(tx: Transaction, id_: str, topic: str, hosts: tuple[str, ...],
          owner: str, lease: float, kinds: tuple[str, ...] | None = None,
          ) -> Row | None:
    """Take an operation if nobody holds it; None if it cannot be."""
    row = offered(tx, id_, topic, hosts, kinds)
    return None if row is None else take(tx, row, owner, lease)


def renew(tx: Transaction, id_: str, owner: str, lease: float,
          values: rows.Values) -> bool:
    """Prolong a lease that is still held, noting progress with it."""
    return rows.update(
        tx, Row, id_, {**values, 'lease_expires_at': clock.now(tx, lease)},
        *held(owner))


def change(tx: Transaction, id_: str, owner: str, values: rows.Values,
           ) -> bool:
    """Change an operation that is still held by this owner."""
    return rows.update(tx, Row, id_, values, *held(owner))


def release(tx: Transaction, id_: str, owner: str) -> bool:
    """Give an operation back, to be taken up by anyone at once."""
    return rows.update(tx, Row, id_, {
        'lease_owner': None, 'lease_expires_at': None,
        'attempt': _T.c.attempt - 1}, *held(owner))


def release_all(tx: Transaction, owner_prefix: str) -> int:
    """Give back what an earlier process of this worker held when it died."""
    statement = sa.update(_T).where(
        _T.c.state == RUNNING,
        _T.c.lease_owner.startswith(owner_prefix, autoescape=True))
    return tx.execute(statement.values(
        lease_owner=None, lease_expires_at=None)).rowcount


def finish(tx: Transaction, id_: str, owner: str, state: str,
           values: rows.Values) -> bool:
    """Close an operation that is still held by this owner."""
    return rows.update(tx, Row, id_, {
        **values, 'state': state, 'lease_owner': None,
        'lease_expires_at': None, 'finished_at': timeutils.utcnow()},
        *held(owner))


def abandon(tx: Transaction, id_: str, values: rows.Values) -> bool:
    """Close as failed an operation that nobody has taken up yet."""
    return rows.update(tx, Row, id_, {
        **values, 'state': FAILED, 'finished_at': timeutils.utcnow()},
        _T.c.state == PENDING)


def withdraw(tx: Transaction, resource_id: str, kind: str, step: str,
             values: rows.Values) -> None:
    """Ask operations to stop; close as failed those that wait at a step."""
    mine = (_T.c.resource_id == resource_id, _T.c.kind == kind)
    tx.execute(sa.update(_T).where(
        *mine, _T.c.state.in_(OPEN)).values(cancel_requested=True))
    tx.execute(sa.update(_T).where(
        *mine, _T.c.state == RUNNING, _T.c.step == step).values(
            **values, state=FAILED, lease_owner=None, lease_expires_at=None,
            finished_at=timeutils.utcnow()))


def cancel_one(tx: Transaction, id_: str) -> bool:
    """Ask an open operation to stop; tell whether it is open."""
    return rows.update(tx, Row, id_, {'cancel_requested': True},
                       _T.c.state.in_(OPEN))


def cancel(tx: Transaction, resource_id: str, kinds: tuple[str, ...]) -> int:
    """Ask the open operations of these kinds on a resource to stop."""
    statement = sa.update(_T).where(
        _T.c.resource_id == resource_id, _T.c.kind.in_(kinds),
        _T.c.state.in_(OPEN))
    return tx.execute(statement.values(cancel_requested=True)).rowcount


def delete_closed(tx: Transaction, before: datetime.datetime) -> int:
    """Forget operations that were closed before a time; return how many."""
    return tx.execute(sa.delete(_T).where(
        _T.c.state.in_((DONE, FAILED)), _T.c.finished_at < before)).rowcount


def count_open(tx: Transaction, project_id: str, of_project: int,
               of_all: int) -> tuple[int, int]:
    """Count the open operations of a project, and of all, in one statement.

    :param of_project: count no further than that; ``of_all`` likewise.
    """
    def counted(limit: int, *conditions: sa.ColumnElement[bool],
                ) -> sa.ScalarSelect[typing.Any]:
        found = sa.select(_T.c.id).where(
            _T.c.state.in_(OPEN), *conditions).limit(limit).subquery()
        return sa.select(sa.func.count()).select_from(
            found).scalar_subquery()

    project, everybody = tx.execute(sa.select(
        counted(of_project, _T.c.project_id == project_id),
        counted(of_all))).one()
    return int(project), int(everybody)


def open_of(tx: Transaction, resource_id: str) -> list[Row]:
    """Return the operations on a resource that are not closed."""
    statement = sa.select(_T).where(
        _T.c.resource_id == resource_id, _T.c.state.in_(OPEN))
    return typing.cast('list[Row]', list(tx.execute(
        statement.order_by(_T.c.created_at))))


def open_parts(tx: Transaction, parent_id: str) -> list[Row]:
    """Return the open operations that another one has started."""
    statement = sa.select(_T).where(
        _T.c.parent_id == parent_id, _T.c.state.in_(OPEN))
    return typing.cast('list[Row]', list(tx.execute(
        statement.order_by(_T.c.created_at))))


def held_by(tx: Transaction, kind: str, host: str) -> list[Row]:
    """Return what the workers of a kind for a host hold.

    :param kind: the first word of their names, with the space after it.
    """
    names = [f'{kind}{host} ', f'{kind}%/{host} ']
    statement = sa.select(_T).where(_T.c.state == RUNNING, sa.or_(*(
        _T.c.lease_owner.like(f'{name}%') for name in names)))
    return typing.cast('list[Row]', list(tx.execute(
        statement.order_by(_T.c.created_at))))


def waiting_for(tx: Transaction, topic: str, host: str) -> int:
    """Count the operations that only this host may take up, and has not."""
    return int(tx.execute(sa.select(sa.func.count()).select_from(_T).where(
        _T.c.state.in_(OPEN), _T.c.topic == topic, _T.c.host == host,
        _T.c.lease_owner.is_(None))).scalar_one())


def free(tx: Transaction, id_: str, facts: dict[str, typing.Any]) -> bool:
    """Take an open operation away from whoever holds it.

    :param facts: what is found by the one that takes it up, or nothing.
    """
    row = rows.get(tx, Row, id_, lock=True)
    return row is not None and rows.update(tx, Row, id_, {
        'lease_owner': None, 'lease_expires_at': None,
        'facts': {**row.facts, **facts}}, _T.c.state.in_(OPEN))


def next_of(tx: Transaction, resource_id: str, topic: str) -> str | None:
    """Return the id of the oldest open operation on a resource."""
    statement = sa.select(_T.c.id).where(
        _T.c.resource_id == resource_id, _T.c.state.in_(OPEN),
        _T.c.topic == topic)
    return tx.execute(statement.order_by(
        _T.c.created_at, _T.c.id).limit(1)).scalar_one_or_none()


def last_closed(tx: Transaction, resource_id: str) -> Row | None:
    """Return the operation on a resource that was closed last."""
    statement = sa.select(_T).where(
        _T.c.resource_id == resource_id, _T.c.state.in_((DONE, FAILED)))
    return typing.cast('Row | None', tx.execute(statement.order_by(
        _T.c.finished_at.desc(), _T.c.id).limit(1)).one_or_none())


def last_done(tx: Transaction, resource_id: str, kinds: tuple[str, ...],
              ) -> Row | None:
    """Return the operation of some kinds on a resource that was done last."""
    statement = sa.select(_T).where(
        _T.c.resource_id == resource_id, _T.c.state == DONE,
        _T.c.kind.in_(kinds))
    return typing.cast('Row | None', tx.execute(statement.order_by(
        _T.c.finished_at.desc(), _T.c.id).limit(1)).one_or_none())


def child(tx: Transaction, parent_id: str, kind: str, resource_id: str,
          ) -> Row | None:
    """Return the operation that another one started for a resource."""
    statement = sa.select(_T).where(
        _T.c.parent_id == parent_id, _T.c.kind == kind,
        _T.c.resource_id == resource_id)
    return typing.cast('Row | None', tx.execute(
        statement.order_by(_T.c.created_at.desc()).limit(1)).one_or_none())


def is_held(tx: Transaction, id_: str, owner: str) -> bool:
    """Tell whether an operation is held by this owner.

    If so, nobody takes it over before the end of a writing transaction.
    """
    return tx.execute(sa.select(_T.c.id).where(
        _T.c.id == id_, *held(owner)).with_for_update()).first() is not None


def held(owner: str) -> tuple[sa.ColumnElement[bool], ...]:
    """The conditions under which a worker may write: fencing."""
    return (_T.c.state == RUNNING, _T.c.lease_owner == owner)


def _older_open(this: sa.FromClause) -> sa.ColumnElement[bool]:
    older = _T.alias('older')
    return sa.exists().where(
        older.c.resource_id == this.c.resource_id,
        older.c.state.in_(OPEN), older.c.id != this.c.id,
        sa.or_(older.c.created_at < this.c.created_at,
               sa.and_(older.c.created_at == this.c.created_at,
                       older.c.id < this.c.id)))


def _known(kinds: tuple[str, ...] | None) -> sa.ColumnElement[bool]:
    """The condition that an operation is of a kind that a worker knows."""
    return sa.true() if kinds is None else _T.c.kind.in_(kinds)


def _for(this: sa.FromClause, hosts: tuple[str, ...],
         ) -> sa.ColumnElement[bool]:
    """The condition that one of these hosts may do an operation."""
    # Not an OR: MariaDB loses rows of it when it skips through an index.
    return sa.func.coalesce(this.c.host, '').in_(('', *hosts))


def _free(dialect: str, this: sa.FromClause) -> sa.ColumnElement[bool]:
    return sa.or_(this.c.lease_owner.is_(None),
                  this.c.lease_expires_at < clock.sql(dialect))
