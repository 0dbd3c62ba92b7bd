"""The rows of operations: started, claimed by lease, renewed, finished."""

import datetime
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


def get(tx: Transaction, id_: str) -> Row | None:
    """Return one operation."""
    return rows.get(tx, Row, id_)


def insert(tx: Transaction, **values: typing.Any) -> None:
    """Add an operation that nobody holds yet."""
    # By the clock of all hosts: those of one resource have an order.
    rows.insert(tx, Row, state=PENDING, created_at=clock.now(tx), **values)


def due(tx: Transaction, topic: str, hosts: tuple[str, ...], limit: int,
        kinds: tuple[str, ...] | None = None) -> list[str]:
    """Return ids of operations that these hosts may take up, oldest first.

    The operations of one resource are due one after the other.
    """
    statement = sa.select(_T.c.id).where(
        _T.c.state.in_(OPEN), _T.c.topic == topic, _known(kinds),
        sa.or_(_T.c.host.is_(None), _T.c.host.in_(hosts)), _free(tx),
        ~_older_open(_T))
    statement = statement.order_by(_T.c.created_at, _T.c.id).limit(limit)
    return list(tx.execute(statement).scalars())


def claim(tx: Transaction, id_: str, topic: str, hosts: tuple[str, ...],
          owner: str, lease: float, kinds: tuple[str, ...] | None = None,
          ) -> bool:
    """Take an operation if nobody holds it; tell whether it was taken.

    An operation waits for older open ones on the same resource.
    """
    waiting = tx.execute(sa.select(sa.literal(1)).select_from(_T).where(
        _T.c.id == id_, _older_open(_T))).first()
    return waiting is None and rows.update(
        tx, Row, id_, {'state': RUNNING, 'attempt': _T.c.attempt + 1,
                       'lease_owner': owner,
                       'lease_expires_at': clock.now(tx, lease)},
        _T.c.state.in_(OPEN), _T.c.topic == topic, _known(kinds),
        sa.or_(_T.c.host.is_(None), _T.c.host.in_(hosts)), _free(tx))


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


def open_of(tx: Transaction, resource_id: str) -> list[Row]:
    """Return the operations on a resource that are not closed."""
    statement = sa.select(_T).where(
        _T.c.resource_id == resource_id, _T.c.state.in_(OPEN))
    return typing.cast('list[Row]', list(tx.execute(
        statement.order_by(_T.c.created_at))))


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


def child(tx: Transaction, parent_id: str, kind: str, resource_id: str,
          ) -> Row | None:
    """Return the operation that another one started for a resource."""
    statement = sa.select(_T).where(
        _T.c.parent_id == parent_id, _T.c.kind == kind,
        _T.c.resource_id == resource_id)
    return typing.cast('Row | None', tx.execute(
        statement.order_by(_T.c.created_at.desc()).limit(1)).one_or_none())


def held(owner: str) -> tuple[sa.ColumnElement[bool], ...]:
    """The conditions under which a worker may write: fencing."""
    return (_T.c.state == RUNNING, _T.c.lease_owner == owner)


def _older_open(this: sa.Table) -> sa.ColumnElement[bool]:
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


def _free(tx: Transaction) -> sa.ColumnElement[bool]:
    return sa.or_(_T.c.lease_owner.is_(None),
                  _T.c.lease_expires_at < clock.now(tx))
