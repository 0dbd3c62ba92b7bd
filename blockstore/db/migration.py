"""Bring a database to the tables that this release needs.

>>> migration.sync(database)
>>> schema.version(database) == schema.head()
True

Revisions only go up: a database that was migrated is not taken back.  Make a
copy of it before.
"""

from collections.abc import Iterator
import contextlib
import pathlib

from alembic import command
from alembic import config as alembic_config
import sqlalchemy as sa

from blockstore import errors
from blockstore import exceptions
from blockstore.db.engine import Database

_SCRIPTS = pathlib.Path(__file__).parent / 'migrations'

# Seconds to wait for another one who migrates the same database.
_PATIENCE = 3600
# What PostgreSQL's advisory lock is on; any number, but always the same.
_LOCK_NUMBER = 0x626C6F636B


def sync(database: Database, revision: str = 'head') -> None:
    """Bring a database to a revision; nothing happens if it is there.

    Of two at the same time one waits for the other.  On SQLite and
    PostgreSQL all of it happens or nothing.
    """
    with database.write() as tx, _alone(tx.connection):
        config = configuration()
        config.attributes['connection'] = tx.connection
        command.upgrade(config, revision)


def configuration() -> alembic_config.Config:
    """Return alembic's configuration, which needs no file."""
    config = alembic_config.Config()
    config.set_main_option('script_location',
                           str(_SCRIPTS).replace('%', '%%'))
    return config


@contextlib.contextmanager
def _alone(connection: sa.Connection) -> Iterator[None]:
    """Keep others from migrating the same database meanwhile."""
    name = connection.dialect.name
    if name == 'postgresql':
        # Until the end of the transaction.
        connection.execute(sa.select(
            sa.func.pg_advisory_xact_lock(_LOCK_NUMBER)))
        yield
    elif name in ('mysql', 'mariadb'):
        # A statement that changes a table ends the transaction there, and
        # leaves this lock, which is the connection's, as it is.
        lock = sa.func.concat('blockstore ', sa.func.md5(sa.func.database()))
        if not connection.execute(sa.select(
                sa.func.get_lock(lock, _PATIENCE))).scalar():
            raise exceptions.Unavailable(
                'the database is being migrated by another process',
                code=errors.DATABASE_BUSY, remedy='wait until it has ended')
        try:
            yield
        finally:
            connection.execute(sa.select(sa.func.release_lock(lock)))
    else:
        # BEGIN IMMEDIATE has locked the file already.
        yield
