"""A connection is asked whether it lives when it was idle for a while."""

import sqlite3
from unittest import mock

from oslotest import base
import sqlalchemy as sa
from sqlalchemy import pool

from blockstore.db import pings


class Connection(sqlite3.Connection):
    """One that can be known weakly, as those of servers can."""


class SpareTest(base.BaseTestCase):

    def setUp(self) -> None:
        super().setUp()
        self.engine = sa.create_engine(
            'sqlite://', poolclass=pool.QueuePool, pool_pre_ping=True,
            connect_args={'factory': Connection})
        self.addCleanup(self.engine.dispose)
        self.ask = mock.Mock(return_value=True)
        self.engine.dialect.do_ping = self.ask  # type: ignore[method-assign]
        pings.spare(self.engine)
        self.opened: list[object] = []
        sa.event.listen(self.engine, 'connect',
                        lambda connection, record: self.opened.append(
                            connection))
        self.now = 1000.0
        patcher = mock.patch.object(pings.time, 'monotonic',
                                    lambda: self.now)
        patcher.start()
        self.addCleanup(patcher.stop)

    def use(self, seconds: float = 0.0) -> None:
        with self.engine.connect() as connection:
            connection.exec_driver_sql('SELECT 1')
            self.now += seconds

    def test_one_that_was_in_use_is_lent_as_it_is(self) -> None:
        for _ in range(3):
            self.use()
            self.now += 0.9
        self.ask.assert_not_called()

    def test_one_that_was_idle_is_asked(self) -> None:
        self.use()
        self.now += 1.1
        self.use()
        self.ask.assert_called_once()
        self.assertEqual(1, len(self.opened))

    def test_long_use_is_no_idleness(self) -> None:
        self.use(seconds=60)
        self.use()
        self.ask.assert_not_called()

    def test_one_that_does_not_answer_is_replaced(self) -> None:
        self.ask.return_value = False
        self.use()
        self.now += 5
        self.use()
        self.assertEqual(2, len(self.opened))
