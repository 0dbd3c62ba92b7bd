"""A database of its own on each real server, for tests that need one.

The servers are where ``BLOCKSTORE_TEST_MARIADB_URL`` and
``BLOCKSTORE_TEST_POSTGRESQL_URL`` say (URLs that end in ``/``), or on this
host with the accounts that fresh installations have.
"""

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
        name = f'blockstore_test_{uuidutils.generate_uuid(dashed=False)}'
        control = 'postgres' if 'postgresql' in self.server else ''
        self._control = sa.create_engine(
            self.server + control, isolation_level='AUTOCOMMIT')
        try:
            self._run(f'CREATE DATABASE {name}')
        except sa.exc.OperationalError as error:
            self.skipTest(f'no database server at {self.server}: {error}')
        self.addCleanup(self._control.dispose)
        self.addCleanup(self._run, f'DROP DATABASE {name}')
        self.database = engine.Database(
            self.server + name, options={'max_pool_size': 20})
        self.addCleanup(self.database.dispose)

    def _run(self, statement):
        with self._control.connect() as connection:
            connection.exec_driver_sql(statement)
