"""A database of its own on each real server, for tests that need one.

The servers are where ``BLOCKSTORE_TEST_MARIADB_URL`` and
``BLOCKSTORE_TEST_POSTGRESQL_URL`` say (URLs that end in ``/``), or on this
host with the accounts that fresh installations have.
"""

import contextlib
import os

from oslo_utils import uuidutils
from oslotest import base
import sqlalchemy as sa

from blockstore.db import engine

MARIADB = os.environ.get('BLOCKSTORE_TEST_MARIADB_URL',
                         'mysql+pymysql://root@127.0.0.1/')
POSTGRESQL = os.environ.get('BLOCKSTORE_TEST_POSTGRESQL_URL',
                            'postgresql+psycopg2://postgres@127.0.0.1/')


class ServerTestCase(base.BaseTestCase):
    """Has ``self.database`` on ``server``, empty, removed afterwards."""

    server = ''

    def setUp(self):
        super().setUp()
        stack = contextlib.ExitStack()
        try:
            self.database = stack.enter_context(fresh(self.server))
        except sa.exc.OperationalError as error:
            self.skipTest(f'no database server at {self.server}: {error}')
        self.addCleanup(stack.close)


@contextlib.contextmanager
def fresh(server):
    """Have an empty database on a server, for the time of a block.

    :raises sa.exc.OperationalError: the server is not there.
    """
    name = f'blockstore_test_{uuidutils.generate_uuid(dashed=False)}'
    control = sa.create_engine(
        server + ('postgres' if 'postgresql' in server else ''),
        isolation_level='AUTOCOMMIT',
        # The server may be another process when it is asked again.
        poolclass=sa.NullPool)
    with contextlib.ExitStack() as stack:
        stack.callback(control.dispose)
        _run(control, f'CREATE DATABASE {name}')
        stack.callback(_run, control, f'DROP DATABASE {name}')
        database = engine.Database(server + name,
                                   options={'max_pool_size': 20})
        stack.callback(database.dispose)
        yield database


def _run(control, statement):
    with control.connect() as connection:
        connection.exec_driver_sql(statement)
