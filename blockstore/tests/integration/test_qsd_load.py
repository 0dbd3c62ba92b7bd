"""Clients, readers, merges and deaths at the same time."""

import os
import random
import shutil
import subprocess
import sys
import sysconfig
import threading
import time
import unittest

from blockstore import exceptions
from blockstore.lifecycle import boundaries
from blockstore.tests.integration import qsd_fixtures
from blockstore.tests.integration.qsd_fixtures import snapshot
from blockstore.tests.integration.qsd_fixtures import volume
from blockstore.volume.drivers.qsd import merges

MIB = 1 << 20


class LongMergeTestCase(qsd_fixtures.TestCase):
    """Nobody waits for a merge that takes long."""

    def setUp(self):
        super().setUp()
        self.volume = volume()
        self.driver.create_volume(self.volume)
        self.old, self.new = snapshot(self.volume), snapshot(self.volume)
        connection = self.attach(self.volume)
        connection.write(0, qsd_fixtures.stamp(1))
        self.driver.create_snapshot(self.old)
        for number in range(16):
            connection.write(number * MIB, qsd_fixtures.stamp(2) * 256)
        self.driver.create_snapshot(self.new)
        connection.flush()
        connection.close()
        self.merging = threading.Event()

    def _slow_down(self, kind, name, when):
        if (name, when) == ('qsd.commit', 'after'):
            self.driver._backend.daemon(self.volume.id).command(
                'block-job-set-speed', device=merges.JOB, speed=MIB // 4)
            self.merging.set()

    def _delete_in_background(self, which):
        boundaries.listen(self._slow_down)
        thread = threading.Thread(target=self.driver.delete_snapshot,
                                  args=(which,), daemon=True)
        thread.start()
        self.addCleanup(thread.join, 60)
        self.assertTrue(self.merging.wait(60))
        return thread

    def test_clients_come_and_go_during_a_merge(self):
        thread = self._delete_in_background(self.old)
        begun = time.monotonic()
        connection = self.attach(self.volume, 'b')
        connection.write(MIB, qsd_fixtures.stamp(3))
        connection.flush()
        connection.close()
        self.driver.terminate_connection(self.volume, {'attachment_id': 'b'})
        self.driver.terminate_connection(self.volume, {'attachment_id': 'a'})
        self.assertLess(time.monotonic() - begun, 20)
        self.assertTrue(thread.is_alive())
        self.assertIn(self.volume.id, self.driver._backend.merging)
        self.driver._backend.daemon(self.volume.id).command(
            'block-job-set-speed', device=merges.JOB, speed=0)

    def test_other_operations_stop_a_merge_which_is_redone(self):
        thread = self._delete_in_background(self.old)
        begun = time.monotonic()
        boundaries.listen(None)     # the next try is quick
        self.driver.extend_volume(self.volume, 2)
        made = snapshot(self.volume)
        self.driver.create_snapshot(made)
        content = self.snapshot_content(made)
        self.assertLess(time.monotonic() - begun, 20)
        thread.join(60)
        self.assertTrue(self.driver.wait_until_idle())
        self.assertEqual(content, self.snapshot_content(made))
        self.assertEqual(content, self.snapshot_content(self.new))
        # new, made, and what is written now
        self.assertEqual(3, len(self.layer_files()))

    def test_a_client_stops_the_merge_of_the_active_layer(self):
        self.driver.terminate_connection(self.volume, None)
        self.driver.delete_snapshot(self.old)
        connection = self.attach(self.volume)
        for number in range(16):
            connection.write(number * MIB, qsd_fixtures.stamp(4) * 256)
        connection.flush()
        connection.close()
        self.driver.terminate_connection(self.volume, None)
        thread = self._delete_in_background(self.new)
        begun = time.monotonic()
        connection = self.attach(self.volume)
        self.assertLess(time.monotonic() - begun, 20)
        boundaries.listen(None)
        before = qsd_fixtures.stamps(connection)
        self.assertEqual(4, before[0])
        connection.write(0, qsd_fixtures.stamp(5))
        connection.flush()
        connection.close()
        thread.join(60)
        self.driver.terminate_connection(self.volume, None)
        self.assertTrue(self.driver.wait_until_idle())
        self.assertEqual(1, len(self.layer_files()))
        self.assertEqual({**before, 0: 5}, self.content(self.volume))

    def test_the_end_of_the_service_does_not_wait(self):
        thread = self._delete_in_background(self.old)
        boundaries.listen(None)
        begun = time.monotonic()
        self.driver.close()
        self.assertLess(time.monotonic() - begun, 20)
        thread.join(60)
        self.assertTrue(self.daemon_runs(self.volume))


class DeathUnderLoadTestCase(qsd_fixtures.TestCase):
    """The daemon is killed at a random moment while a client writes."""

    def _assert_nothing_flushed_is_lost(self, writer, content):
        """Each block has its last flushed entry or a later one."""
        allowed = {}
        for number, (index, zero) in enumerate(writer.log_with_unfinished()):
            entry = None if zero else number
            if number < writer.flushed:
                allowed[index] = {entry}
            else:
                allowed.setdefault(index, {None}).add(entry)
        for index in range(qsd_fixtures.BLOCKS):
            self.assertIn(content.get(index), allowed.get(index, {None}),
                          f'block {index}')

    def _play(self, seed, operation):
        of = volume()
        self.driver.create_volume(of)
        writer = qsd_fixtures.Writer(self.driver.initialize_connection(
            of, {'attachment_id': 'guest'}), seed, patience=0)
        taken = []
        for _round in range(2):
            writer.run_for(100)
            made = snapshot(of)
            self.driver.create_snapshot(made)
            taken.append((made, self.snapshot_content(made)))
        chance = random.Random(seed)
        killer = threading.Timer(chance.uniform(0.001, 0.08),
                                 self.kill_daemon, (of,))
        killer.start()
        try:
            operation(of, taken[0][0])
        except exceptions.DriverError:
            operation(of, taken[0][0])
        killer.join()
        writer.join(30)
        self.assertIsNotNone(writer.failure)
        self._assert_nothing_flushed_is_lost(writer, self.content(of))
        self.assertEqual(taken[1][1], self.snapshot_content(taken[1][0]))
        self.driver.terminate_connection(of, None)
        self.driver.wait_until_idle()
        self.check_images()

    def test_during_pushes(self):
        for seed in range(6):
            made = [snapshot(volume()) for _number in range(4)]

            def push(of, _old, made=made):
                for one in made:
                    one.volume_id = of.id
                    self.driver.create_snapshot(one)

            self._play(seed, push)

    def test_during_merges(self):
        for seed in range(6):
            self._play(seed, lambda _of, old: self.driver.delete_snapshot(
                old))


class SoakTestCase(qsd_fixtures.TestCase):
    """Many threads on one family, against what each knows must hold."""

    SECONDS = 5

    def test_a_family_under_many_threads(self):
        self.volume = volume()
        self.driver.create_volume(self.volume)
        writer = qsd_fixtures.Writer(self.driver.initialize_connection(
            self.volume, {'attachment_id': 'guest'}))
        self.addCleanup(writer.join, 10)
        self.failures, deadline = [], time.monotonic() + self.SECONDS
        threads = [threading.Thread(target=self._repeat, args=(
            work, seed, deadline)) for seed, work in enumerate((
                self._snapshots, self._snapshots, self._clones,
                self._backups, self._clients))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
            self.assertFalse(thread.is_alive())
        if self.failures:
            raise self.failures[0]
        writer.finish()
        self.assertTrue(self.driver.wait_until_idle())
        self.assertEqual(
            qsd_fixtures.state_after(writer.log, len(writer.log)),
            self.content(self.volume))
        self.driver.terminate_connection(self.volume, None)
        self.assertTrue(self.driver.wait_until_idle())
        self.assertEqual(1, len(self.layer_files()))
        self.check_images()

    def _repeat(self, work, seed, deadline):
        chance = random.Random(seed)
        try:
            while time.monotonic() < deadline and not self.failures:
                work(chance)
        except (AssertionError, exceptions.BlockstoreError) as error:
            self.failures.append(error)

    def _snapshots(self, chance):
        made = [snapshot(self.volume) for _number in range(3)]
        contents = []
        for one in made:
            self.driver.create_snapshot(one)
            contents.append(self.snapshot_content(one))
        order = list(zip(made, contents, strict=True))
        chance.shuffle(order)
        while order:
            for one, content in order:
                self.assertEqual(content, self.snapshot_content(one))
            self.driver.delete_snapshot(order.pop()[0])

    def _clones(self, chance):
        made = volume()
        self.driver.create_cloned_volume(made, self.volume)
        content = self.content(made)
        time.sleep(chance.uniform(0, 0.05))
        self.assertEqual(content, self.content(made))
        self.driver.delete_volume(made)

    def _backups(self, chance):
        wanted = {'host': 'b', 'mode': 'ro', 'purpose': 'backup'}
        info = self.driver.initialize_connection(self.volume, wanted)
        backup = self.open(info)
        content = qsd_fixtures.stamps(backup)
        time.sleep(chance.uniform(0, 0.1))
        self.assertEqual(content, qsd_fixtures.stamps(backup))
        backup.close()
        self.driver.terminate_connection(self.volume, wanted)

    def _clients(self, chance):
        connection = self.attach(self.volume, 'other', mode='ro')
        qsd_fixtures.stamps(connection)
        connection.close()
        self.driver.terminate_connection(self.volume,
                                         {'attachment_id': 'other'})
        time.sleep(chance.uniform(0, 0.1))


@unittest.skipUnless(os.getuid() == 0, 'this is no root user already')
@unittest.skipUnless(shutil.which('setpriv'), 'setpriv is not installed')
class UnprivilegedTestCase(qsd_fixtures.TestCase):
    """The life of a volume as a user without any privilege."""

    def test_life_as_nobody(self):
        nobody = ['setpriv', '--reuid=nobody', '--regid=nogroup',
                  '--clear-groups', '--no-new-privs', '--bounding-set=-all']
        python = next((path for path in (sys.executable, '/usr/bin/python3')
                       if self._runs([*nobody, path, '-c', 'import '
                                      'oslotest, blockstore'])), None)
        if python is None:
            self.skipTest('nobody can run no Python with our packages')
        done = self._run([*nobody, python, '-m', 'testtools.run',
                          'blockstore.tests.integration.test_qsd.'
                          'LifeTestCase'])
        self.assertEqual(0, done.returncode, done.stdout + done.stderr)
        self.assertNotIn('skipped', done.stdout)

    def _run(self, command):
        import blockstore
        root = os.path.dirname(os.path.dirname(blockstore.__file__))
        return subprocess.run(
            command, cwd=root, capture_output=True, text=True, check=False,
            env={'PATH': os.environ['PATH'], 'TMPDIR': '/tmp',
                 'PYTHONDONTWRITEBYTECODE': '1',
                 'PYTHONPATH': os.pathsep.join(
                     [root, sysconfig.get_path('purelib')])})

    def _runs(self, command):
        return self._run(command).returncode == 0
