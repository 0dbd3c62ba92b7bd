"""Projects take turns on the servers of production, too."""

from blockstore.tests.integration import servers
from blockstore.tests.unit import test_turns


class MariaDBTurnsTest(test_turns.TurnsMixin, servers.ServerTestCase):
    """MariaDB."""

    server = servers.MARIADB


class PostgreSQLTurnsTest(test_turns.TurnsMixin, servers.ServerTestCase):
    """PostgreSQL."""

    server = servers.POSTGRESQL
