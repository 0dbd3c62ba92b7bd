"""Bring a database to the tables that this release needs.

>>> migration.sync(database)
>>> migration.version(database) == migration.head()
True
"""

import functools
import pathlib

from alembic import command
from alembic import config as alembic_config
from alembic import script
from alembic.runtime import migration as alembic_migration

from blockstore import errors
from blockstore import exceptions
from blockstore.db.engine import Database

_SCRIPTS = pathlib.Path(__file__).parent / 'migrations'


def sync(database: Database, revision: str = 'head') -> None:
    """Bring a database to a revision; nothing happens if it is there.

    On SQLite and PostgreSQL all of it happens or nothing.
    """
    with database.write() as tx:
        config = configuration()
        config.attributes['connection'] = tx.connection
        command.upgrade(config, revision)


def version(database: Database) -> str | None:
    """Return the revision of a database; None for an empty one."""
    with database.read() as tx:
        context = alembic_migration.MigrationContext.configure(tx.connection)
        return context.get_current_revision()


@functools.cache
def head() -> str:
    """Return the revision that this release needs."""
    found = script.ScriptDirectory.from_config(
        configuration()).get_current_head()
    if found is None:
        raise exceptions.BlockstoreError('the release has no migrations')
    return found


def check(database: Database) -> None:
    """Raise Unavailable unless a database is at the needed revision."""
    current, needed = version(database), head()
    if current != needed:
        raise exceptions.Unavailable(
            f'the database is at revision {current or "none"}, this release '
            f'needs {needed}', code=errors.DATABASE_OUTDATED,
            remedy='run: blockstore-manage db sync')


def configuration() -> alembic_config.Config:
    """Return alembic's configuration, which needs no file."""
    config = alembic_config.Config()
    config.set_main_option('script_location',
                           str(_SCRIPTS).replace('%', '%%'))
    return config
