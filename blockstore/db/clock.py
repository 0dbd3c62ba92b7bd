"""The clock by which hosts judge each other: the database server's.

Leases, heartbeats and the order of operations are written by one host and
read by others.  Were they stamped by the hosts' own clocks, a host whose
clock is wrong or jumps would take the work of healthy ones, or seem to be
down.  So the server stamps and compares them.  SQLite has no server: there
the clock of the one host is meant.
"""

import datetime
import typing

from oslo_utils import timeutils
import sqlalchemy as sa

from blockstore.db.engine import Transaction

_MICROSECONDS = 1_000_000
_SERVERS = ('mysql', 'mariadb', 'postgresql')


def now(tx: Transaction, seconds: float = 0.0) -> typing.Any:
    """Return the present, or a moment so many seconds after it (UTC).

    It is a value for a statement, not one to look at; see :func:`read`.
    """
    dialect = tx.connection.dialect.name
    return (sql(dialect, seconds) if dialect in _SERVERS
            else timeutils.utcnow() + datetime.timedelta(seconds=seconds))


def sql(dialect: str, seconds: float = 0.0) -> sa.ColumnElement[typing.Any]:
    """Return the same for a statement that is made once and run often.

    :param dialect: SQLAlchemy's name of the kind of database.
    """
    if dialect == 'postgresql':
        return sa.func.timezone(
            'utc', sa.func.clock_timestamp(), type_=sa.DateTime(),
            ) + datetime.timedelta(seconds=seconds)
    if dialect in _SERVERS:
        return sa.func.timestampadd(
            sa.text('MICROSECOND'), round(seconds * _MICROSECONDS),
            sa.func.utc_timestamp(sa.text('6')), type_=sa.DateTime())
    # Looked up whenever the statement is run.
    return sa.bindparam(
        None, type_=sa.DateTime(), callable_=lambda: timeutils.utcnow()
        + datetime.timedelta(seconds=seconds))


def read(tx: Transaction) -> datetime.datetime:
    """Ask what time it is (UTC)."""
    moment = now(tx)
    if isinstance(moment, datetime.datetime):
        return moment
    return typing.cast(datetime.datetime, tx.execute(
        sa.select(moment)).scalar_one())
