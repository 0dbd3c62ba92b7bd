"""Heartbeats when two processes of one service begin at the same time."""

import threading

from oslotest import base

from blockstore.db import engine
from blockstore.db import models
from blockstore.db import services

THREADS = 8


class ReportMixin:
    """Many first reports at a time make one row."""

    database: engine.Database

    def test_first_reports(self):
        models.Base.metadata.create_all(self.database.engine)
        start = threading.Barrier(THREADS)
        failures = []

        def report():
            start.wait()
            try:
                with self.database.write() as tx:
                    services.report(tx, 'node1', services.BACKUP)
            except Exception as error:
                failures.append(error)

        threads = [threading.Thread(target=report) for _ in range(THREADS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual([], failures)
        with self.database.read() as tx:
            row, = services.page(tx)
        self.assertEqual(THREADS, row.report_count)


class SqliteReportTest(ReportMixin, base.BaseTestCase):
    """The embedded database, in a file."""

    def setUp(self):
        super().setUp()
        path = self.create_tempfiles([('marker', '')])[0]
        self.database = engine.Database(f'sqlite:///{path}.sqlite')
        self.addCleanup(self.database.dispose)
