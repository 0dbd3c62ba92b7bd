"""A pool whose connections are all lent out."""

import pathlib

import fixtures
from oslo_db import exception as db_exception
from oslotest import base
import sqlalchemy as sa

from blockstore import errors
from blockstore.api import faults
from blockstore.db import engine
from blockstore.db import retry


class ExhaustedPoolTest(base.BaseTestCase):

    def setUp(self):
        super().setUp()
        folder = self.useFixture(fixtures.TempDir()).path
        url = f'sqlite:///{pathlib.Path(folder, "db")}'
        self.database = engine.Database(url)
        self.database.dispose()
        self.database.engine = sa.create_engine(
            url, poolclass=sa.QueuePool, pool_size=1, max_overflow=0,
            pool_timeout=0.01)
        self.addCleanup(self.database.dispose)
        self.asked = 0

    @retry.whole
    def _ask(self, transaction):
        self.asked += 1
        with transaction():
            self.fail('there was no connection')

    def test_is_an_error_of_the_database_that_passes(self):
        for transaction in (self.database.read, self.database.write):
            self.asked = 0
            with self.database.read():
                error = self.assertRaises(db_exception.DBError, self._ask,
                                          transaction)
            # The pool has waited already.
            self.assertEqual(1, self.asked)
            fault = faults.describe(error)
            self.assertEqual((503, errors.DATABASE_BUSY, '1'), (
                fault.status, fault.error_code,
                fault.headers['Retry-After']))
        with self.database.read():
            pass
