"""Counting under a lock: few statements, and nobody can overtake."""

import collections
import threading

from oslo_config import cfg
from oslo_utils import uuidutils
from oslotest import base
from sqlalchemy import event

from blockstore import conf as blockstore_conf
from blockstore import exceptions
from blockstore.db import engine
from blockstore.db import models
from blockstore.db import quotas as db
from blockstore.db import rows
from blockstore.lifecycle import quotas

THREADS = 24


def make_conf():
    conf = cfg.ConfigOpts()
    blockstore_conf.register(conf)
    conf([])
    return conf


class RaceMixin:
    """Many ask at a time; exactly as many as fit get something."""

    database: engine.Database

    def race(self):
        conf = make_conf()
        models.Base.metadata.create_all(self.database.engine)
        start = threading.Barrier(THREADS)
        outcomes = collections.Counter()

        def ask():
            start.wait()
            try:
                with self.database.write() as tx:
                    # A look before the lock must not make the count old.
                    rows.get(tx, models.Volume, 'nothing')
                    quotas.reserve(tx, conf, 'p', volumes=1, gigabytes=2)
                    rows.insert(tx, models.Volume, project_id='p', size=2,
                                id=uuidutils.generate_uuid(),
                                status='creating')
                outcomes['accepted'] += 1
            except exceptions.QuotaExceeded:
                outcomes['refused'] += 1

        threads = [threading.Thread(target=ask) for _ in range(THREADS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return outcomes

    def test_race(self):
        self.assertEqual({'accepted': 10, 'refused': THREADS - 10},
                         self.race())
        with self.database.read() as tx:
            usage = db.usage(tx, 'p')
        self.assertEqual((10, 20), (usage.of('volumes'),
                                    usage.of('gigabytes')))


class SqliteRaceTest(RaceMixin, base.BaseTestCase):
    """The embedded database, in a file."""

    def setUp(self):
        super().setUp()
        path = self.create_tempfiles([('marker', '')])[0]
        self.database = engine.Database(f'sqlite:///{path}.sqlite')
        self.addCleanup(self.database.dispose)


class ReserveTest(base.BaseTestCase):
    """One caller."""

    def setUp(self):
        super().setUp()
        self.conf = make_conf()
        self.database = engine.Database('sqlite://')
        self.addCleanup(self.database.dispose)
        models.Base.metadata.create_all(self.database.engine)

    def reserve(self, **asked):
        with self.database.write() as tx:
            quotas.reserve(tx, self.conf, 'p', **asked)

    def test_three_statements(self):
        statements = []
        event.listen(
            self.database.engine, 'before_cursor_execute',
            lambda *args: statements.append(args[2]))
        for _ in range(2):
            self.reserve(volumes=1, gigabytes=1, volume_size=1,
                         volume_type_id='t')
            self.assertEqual(3, len([text for text in statements
                                     if not text.startswith('BEGIN')]))
            statements.clear()

    def test_each_resource_is_named(self):
        for asked, name in (({'volumes': 11}, 'volumes'),
                            ({'snapshots': 11}, 'snapshots'),
                            ({'gigabytes': 1001}, 'gigabytes'),
                            ({'backups': 11}, 'backups'),
                            ({'backup_gigabytes': 1001},
                             'backup_gigabytes')):
            error = self.assertRaises(exceptions.QuotaExceeded, self.reserve,
                                      **asked)
            self.assertIn(f'quota of {name} ', error.message)
            self.assertIn(name, error.remedy)

    def test_backups_are_counted(self):
        with self.database.write() as tx:
            rows.insert(tx, models.Backup, id='b', project_id='p', size=995,
                        volume_id='v', status='error')
        self.reserve(backups=1, backup_gigabytes=5)
        error = self.assertRaises(exceptions.QuotaExceeded, self.reserve,
                                  backups=1, backup_gigabytes=6)
        self.assertIn('in use are 995', error.message)

    def test_a_type_s_limit(self):
        with self.database.write() as tx:
            db.set_limits(tx, 'p', {'gigabytes_t': 5})
        self.reserve(gigabytes=5, volume_type_id='t')
        self.reserve(gigabytes=6, volume_type_id='other')
        error = self.assertRaises(exceptions.QuotaExceeded, self.reserve,
                                  gigabytes=6, volume_type_id='t')
        self.assertIn('quota of gigabytes_t is', error.message)

    def test_snapshots_without_gigabytes(self):
        self.assertRaises(exceptions.QuotaExceeded, self.reserve,
                          snapshots=1, gigabytes=2000)
        self.conf.set_override('no_snapshot_gb_quota', True, 'quota')
        self.reserve(snapshots=1, gigabytes=2000)
