"""Whether a database has the tables that this release needs.

A daemon looks before it does anything (:func:`await_needed`).  It does so
without alembic, which is loaded only to change something
(:mod:`blockstore.db.migration`).
"""

import functools
import pathlib
import time

from oslo_log import log as logging
import sqlalchemy as sa

from blockstore import errors
from blockstore import exceptions
from blockstore.db.engine import Database

LOG = logging.getLogger(__name__)

VERSIONS = pathlib.Path(__file__).parent / 'migrations' / 'versions'
_TABLE = 'alembic_version'


@functools.cache
def known() -> tuple[str, ...]:
    """Return the revisions of this release, in their order."""
    return tuple(sorted(path.name.partition('_')[0]
                        for path in VERSIONS.glob('[0-9]*.py')))


def head() -> str:
    """Return the revision that this release needs."""
    return known()[-1]


def version(database: Database) -> str | None:
    """Return the revision of a database; None for an empty one."""
    with database.read() as tx:
        if not sa.inspect(tx.connection).has_table(_TABLE):
            return None
        return tx.execute(sa.select(sa.column('version_num')).select_from(
            sa.table(_TABLE))).scalar_one_or_none()


def check(database: Database) -> None:
    """Raise Unavailable unless a database is at the needed revision."""
    current, needed = version(database), head()
    if current == needed:
        return
    if current is not None and current not in known():
        raise exceptions.Unavailable(
            f'the database is at revision {current}, which this release '
            f'does not know: it needs {needed}',
            code=errors.DATABASE_TOO_NEW,
            remedy='install the release that has migrated the database')
    raise exceptions.Unavailable(
        f'the database is at revision {current or "none"}, this release '
        f'needs {needed}', code=errors.DATABASE_OUTDATED,
        remedy='run: blockstore-manage db sync')


def await_needed(database: Database, seconds: float) -> None:
    """Wait until a database is at the needed revision.

    Whoever upgrades may start the daemons while the database is still being
    migrated.  A database that is too new is not waited for.

    :raises exceptions.Unavailable: it is too new, or still too old.
    """
    limit = time.monotonic() + seconds
    told = False
    while True:
        try:
            check(database)
        except exceptions.Unavailable as error:
            left = limit - time.monotonic()
            if error.code == errors.DATABASE_TOO_NEW or left <= 0:
                raise
            if not told:
                LOG.warning('Waiting for up to %d s: %s; %s', seconds,
                            error.message, error.remedy)
                told = True
            time.sleep(min(left, 0.5))
        else:
            return
