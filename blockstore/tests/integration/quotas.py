"""Nobody overtakes the quota check on the servers of production."""

from blockstore.tests.integration import servers
from blockstore.tests.unit import test_quotas


class MariaDBRaceTest(test_quotas.RaceMixin, servers.ServerTestCase):
    """MariaDB."""

    server = servers.MARIADB


class PostgreSQLRaceTest(test_quotas.RaceMixin, servers.ServerTestCase):
    """PostgreSQL."""

    server = servers.POSTGRESQL
