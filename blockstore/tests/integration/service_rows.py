"""Heartbeats on the servers of production."""

from blockstore.tests.integration import servers
from blockstore.tests.unit import test_service_rows


class MariaDBReportTest(test_service_rows.ReportMixin,
                        servers.ServerTestCase):
    """MariaDB."""

    server = servers.MARIADB


class PostgreSQLReportTest(test_service_rows.ReportMixin,
                           servers.ServerTestCase):
    """PostgreSQL."""

    server = servers.POSTGRESQL
