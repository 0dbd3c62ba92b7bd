"""A daemon that starts before its database does.

A machine that boots starts everything at once, in no order.
"""

from blockstore.tests import rest
from blockstore.tests.integration import faults
from blockstore.tests.integration import own_servers


class LateDatabaseTest(faults.FaultTest):
    """The daemon waits, is not ready meanwhile, and then works."""

    COMPONENT = ''

    def setUp(self) -> None:
        missing = own_servers.missing(self.COMPONENT)
        if missing:
            self.skipTest(missing)
        self.own = self.useFixture(own_servers.OwnServer(self.COMPONENT))
        self.server = self.own.url
        super().setUp()

    def check_waits(self) -> None:
        self.start_fleet(options={('database', 'retry_interval'): 1,
                                  ('database', 'max_retries'): 120})
        name = 'scheduler@node1'
        daemon = self.fleet[name]
        daemon.stop()
        self.own.kill()
        daemon.start()
        self.await_that(
            lambda: daemon.last_words().count('does not answer') > 1,
            f'{name} does not wait')
        self.assertRaises(OSError, rest.readiness, self.ports[name])
        self.own.start()
        daemon.await_ready()


class MariaDBTest(LateDatabaseTest):
    """MariaDB."""

    COMPONENT = 'MariaDB'

    def test_is_waited_for(self) -> None:
        self.check_waits()


class PostgreSQLTest(LateDatabaseTest):
    """PostgreSQL."""

    COMPONENT = 'PostgreSQL'

    def test_is_waited_for(self) -> None:
        self.check_waits()
