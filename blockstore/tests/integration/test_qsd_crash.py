"""Storage daemons and services that die in the middle of things.

Every operation is first run once to count the boundaries it crosses; then
it is run again for each of them, and there the daemon, the service or both
die.  Afterwards the call is repeated, as the service does, and must succeed;
what was flushed must be there, and older snapshots must be exact.
"""

import threading

from testtools import content

from blockstore import exceptions
from blockstore.lifecycle import boundaries
from blockstore.tests.integration import qsd_fixtures
from blockstore.tests.integration.qsd_fixtures import snapshot
from blockstore.tests.integration.qsd_fixtures import volume


class ServiceDied(BaseException):
    """Ends an operation as the death of its process would."""


class Scene:
    """A volume with a client, flushed data and two snapshots."""

    def __init__(self, case, attached):
        self.case = case
        self.driver = case.driver
        self.volume = volume()
        self.old, self.new = snapshot(self.volume), snapshot(self.volume)
        self.fresh, self.clone = snapshot(self.volume), volume()
        self.attached = attached
        self.driver.create_volume(self.volume)
        connection = case.attach(self.volume)
        self.put(connection, dict.fromkeys(range(40), 1))
        self.driver.create_snapshot(self.old)
        self.put(connection, dict.fromkeys(range(20, 60), 2))
        self.driver.create_snapshot(self.new)
        self.put(connection, dict.fromkeys(range(50, 80), 3))
        connection.close()
        if not attached:
            self.driver.terminate_connection(self.volume, None)
        self.driver.wait_until_idle()
        self.old_state = dict.fromkeys(range(40), 1)
        self.new_state = {**self.old_state,
                          **dict.fromkeys(range(20, 60), 2)}
        self.state = {**self.new_state,
                      **dict.fromkeys(range(50, 80), 3)}

    def put(self, connection, entries):
        for index, number in entries.items():
            connection.write(index * qsd_fixtures.BLOCK,
                             qsd_fixtures.stamp(number))
        connection.flush()


def take(driver, scene):
    driver.create_snapshot(scene.fresh)


def drop_old(driver, scene):
    driver.delete_snapshot(scene.old)


def drop_new(driver, scene):
    driver.delete_snapshot(scene.new)


def clone(driver, scene):
    driver.create_cloned_volume(scene.clone, scene.volume)


def extend(driver, scene):
    driver.extend_volume(scene.volume, 2)


def revert(driver, scene):
    driver.revert_to_snapshot(None, scene.volume, scene.old)


def backup(driver, scene):
    driver.initialize_connection(
        scene.volume, {'host': 'b', 'mode': 'ro', 'purpose': 'backup'})


class CrashTestCase(qsd_fixtures.TestCase):

    def setUp(self):
        super().setUp()
        self._place = 'nothing was cut yet'
        self.addDetail('place', content.Content(
            content.UTF8_TEXT, lambda: [self._place.encode()]))

    def _listen(self, listener):
        """Listen to the boundaries of this thread only."""
        mine = threading.get_ident()

        def heard(kind, name, when):
            if threading.get_ident() == mine and name.startswith('qsd.'):
                listener(name, when)

        boundaries.listen(heard)

    def _crossings(self, operation, attached):
        scene, crossed = Scene(self, attached), []
        self._listen(lambda name, when: crossed.append((name, when)))
        operation(self.driver, scene)
        boundaries.listen(None)
        return crossed

    def _run_cut(self, operation, scene, position, victim):
        """Run an operation in which something dies at a crossing."""
        passed = []

        def strike(name, when):
            passed.append((name, when))
            if len(passed) - 1 == position:
                if victim in ('daemon', 'both'):
                    self.kill_daemon(scene.volume)
                if victim in ('service', 'both'):
                    raise ServiceDied

        self._listen(strike)
        try:
            operation(self.driver, scene)
        except ServiceDied:
            pass
        except exceptions.DriverError:
            if victim != 'daemon':
                raise
        boundaries.listen(None)
        if victim != 'daemon':
            self.abandon()
            self.new_driver()

    def _check(self, operation, scene):
        """Repeat the call and look at everything."""
        operation(self.driver, scene)
        self.driver.wait_until_idle()
        state = scene.old_state if operation is revert else scene.state
        self.assertEqual(state, self.content(scene.volume))
        if operation is not drop_old:
            self.assertEqual(scene.old_state,
                             self.snapshot_content(scene.old))
        if operation is not drop_new:
            self.assertEqual(scene.new_state,
                             self.snapshot_content(scene.new))
        if operation is take:
            self.assertEqual(scene.state,
                             self.snapshot_content(scene.fresh))
        if operation is clone:
            self.assertEqual(scene.state, self.content(scene.clone))
        if operation is extend:
            self.assertEqual(
                2 << 30, self.attach(scene.volume, 'x', mode='ro').size)
        if operation is backup:
            info = self.driver.initialize_connection(
                scene.volume,
                {'host': 'b', 'mode': 'ro', 'purpose': 'backup'})
            self.assertEqual(scene.state,
                             qsd_fixtures.stamps(self.open(info)))
        self.check_images()
        self._clean(scene, operation)

    def _clean(self, scene, operation):
        """Delete everything: nothing may be left, not even a file."""
        for of in (scene.volume, scene.clone):
            self.driver.terminate_connection(of, None)
        for made in (scene.old, scene.new, scene.fresh):
            self.driver.delete_snapshot(made)
        self.driver.delete_volume(scene.clone)
        self.driver.delete_volume(scene.volume)
        self.driver.wait_until_idle()
        self.assertEqual([], self.layer_files())
        self.assertEqual([], list(self.book.items()))

    def _cut_everywhere(self, operation, attached, victim):
        crossed = self._crossings(operation, attached)
        self.assertGreater(len(crossed), 3)
        self.abandon()
        for position, place in enumerate(crossed):
            if position and place[1] == 'before' and (
                    crossed[position - 1][1] == 'after'):
                continue        # nothing happens between the two
            self.book = type(self.book)()
            for name in self.layer_files():
                self.remove(name)
            self.new_driver()
            scene = Scene(self, attached)
            self._place = f'{victim} died at crossing {position}: {place}'
            self._run_cut(operation, scene, position, victim)
            self._check(operation, scene)


def _add_cases():
    """Add a test for each operation, victim and kind of volume."""
    for operation in (take, drop_old, drop_new, clone, extend, revert,
                      backup):
        for attached in (True, False):
            for victim in ('daemon', 'service', 'both'):
                if operation is revert and attached:
                    continue
                if not attached and victim != 'both' and (
                        operation is not drop_new):
                    continue        # hardly a daemon is there to outlive

                def test(self, operation=operation, attached=attached,
                         victim=victim):
                    self._cut_everywhere(operation, attached, victim)

                where = 'attached' if attached else 'detached'
                name = f'test_{operation.__name__}_{where}_{victim}_dies'
                test.__name__ = name
                setattr(CrashTestCase, name, test)


_add_cases()


class LostWritesTestCase(qsd_fixtures.TestCase):
    """What a client finds after its daemon died."""

    def _crash(self):
        self.volume = volume()
        self.driver.create_volume(self.volume)
        self.info = self.driver.initialize_connection(self.volume,
                                                      {'host': 'h'})
        connection = self.open(self.info, writable=True)
        connection.write(0, qsd_fixtures.stamp(1))
        connection.flush()
        self.kill_daemon(self.volume)

    def test_the_old_export_stays_away_until_it_is_asked_for(self):
        self._crash()
        self.driver.ensure_export(None, self.volume)
        self.assertRaises(exceptions.ConnectionFailed, self.open, self.info)
        fresh = self.driver.initialize_connection(self.volume, {'host': 'h'})
        self.assertNotEqual(self.info['data']['export'],
                            fresh['data']['export'])
        self.assertRaises(exceptions.ConnectionFailed, self.open, self.info)
        self.assertEqual({0: 1}, qsd_fixtures.stamps(self.open(fresh)))

    def test_backup_connections_come_back_as_they_were(self):
        self._crash()
        wanted = {'host': 'b', 'mode': 'ro', 'purpose': 'backup'}
        info = self.driver.initialize_connection(self.volume, wanted)
        self.kill_daemon(self.volume)
        self.driver.ensure_export(None, self.volume)
        self.assertEqual({0: 1}, qsd_fixtures.stamps(self.open(info)))

    def test_a_daemon_outlives_the_service(self):
        self.volume = volume()
        self.driver.create_volume(self.volume)
        connection = self.attach(self.volume)
        self.driver.close()
        self.assertTrue(self.daemon_runs(self.volume))
        connection.write(0, qsd_fixtures.stamp(1))
        self.new_driver()
        connection.write(4096, qsd_fixtures.stamp(2))
        connection.flush()
        made = snapshot(self.volume)
        self.driver.create_snapshot(made)
        self.assertEqual({0: 1, 1: 2}, self.snapshot_content(made))


class ReconnectTestCase(qsd_fixtures.TestCase):

    options = {'qsd_on_crash': 'reconnect'}

    def test_a_client_finds_its_export_again(self):
        of = volume()
        self.driver.create_volume(of)
        info = self.driver.initialize_connection(of, {'host': 'h'})
        self.kill_daemon(of)
        self.driver.ensure_export(None, of)
        self.assertEqual({}, qsd_fixtures.stamps(self.open(info)))
