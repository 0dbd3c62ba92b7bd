"""Manage and unmanage that fail on the way, or are taken over."""

import threading
import time
import typing

from blockstore import exceptions
from blockstore.db import models
from blockstore.db import operations as db_operations
from blockstore.db import rows
from blockstore.tests.functional import base
from blockstore.tests.functional import managed_base

WHENS = ('before', 'after')


class FailureTest(managed_base.ManagedTest):
    """The driver fails before or after its effect."""

    OPTIONS: typing.ClassVar[dict[tuple[str, str], typing.Any]] = {
        **managed_base.ManagedTest.OPTIONS,
        ('scheduler', 'reaper_interval'): 1}

    def fail(self, method: str, when: str = 'before', times: int = 1,
             ) -> None:
        """Let a call to the driver fail."""
        self.driver.faults.fail(
            method, when=when, times=times,
            error=exceptions.VolumeBackendAPIException('as ordered'))

    def foreign(self) -> list[str]:
        """Return the names of what nobody manages."""
        with self.pool.lock:
            return sorted(name for name, content
                          in self.pool.contents.items() if content.foreign)

    def ended(self, id_: str) -> None:
        """Wait until no operation of a resource is open."""
        self.wait_for(lambda: all(
            one['state'] in ('done', 'failed')
            for one in self.operations(id_)))

    def test_a_volume_that_cannot_be_taken(self) -> None:
        """Whatever was begun is let go; removing the row removes no byte."""
        for when in WHENS:
            self.pool.put_foreign('old', blocks=managed_base.DATA)
            self.fail('manage_existing', when)
            made = self.accepted(self.ask_volume('old'))
            message = self.refused_later('volumes', made)
            self.assertEqual('VOLUME_VOLUME_103_108', message['event_id'])
            self.wait_for(lambda: len(self.operations(  # noqa: B023
                made['id'])) == 2)                      # noqa: B023
            self.ended(made['id'])
            self.assertEqual(
                ['volume.manage', 'volume.release'],
                [one['kind'] for one in self.operations(made['id'])])
            name, = self.foreign()
            self.assertEqual((0, 0, 0), self.usage())
            self.assertEqual(202, self.api.delete(
                self.path(f'volumes/{made["id"]}')).status)
            self.wait_gone('volumes', made['id'])
            self.assertEqual([name], self.foreign())
            self.manage_volume(name)
            self.assertEqual(1, self.usage()[0])
            volume_id = self.api.get(self.path('volumes')).json[
                'volumes'][0]['id']
            self.api.delete(self.path(f'volumes/{volume_id}'))
            self.wait_gone('volumes', volume_id)

    def test_reset_and_back(self) -> None:
        """What could not be taken over may be called so again."""
        self.fail('manage_existing')
        self.pool.put_foreign('old')
        made = self.accepted(self.ask_volume('old'))
        self.refused_later('volumes', made)
        self.ended(made['id'])
        for status in ('available', 'error_managing', 'error_managing'):
            answer = self.api.post(
                self.path(f'volumes/{made["id"]}/action'),
                {'os-reset_status': {'status': status}})
            self.assertEqual(202, answer.status, answer.text)
        self.api.delete(self.path(f'volumes/{made["id"]}'))
        self.wait_gone('volumes', made['id'])
        self.assertEqual(['old'], self.foreign())

    def test_a_snapshot_that_cannot_be_taken(self) -> None:
        volume = self.make_volume(1)
        for when in WHENS:
            content = self.foreign_snapshot(volume)
            self.fail('manage_existing_snapshot', when)
            made = self.accepted(self.ask_snapshot(volume['id'], 'old-snap'))
            self.refused_later('snapshots', made)
            self.ended(made['id'])
            self.api.delete(self.path(f'snapshots/{made["id"]}'))
            self.wait_gone('snapshots', made['id'])
            name, = self.foreign()
            self.assertIs(content, self.pool.contents.pop(name))
        self.assertEqual((1, 0, 1), self.usage())

    def test_letting_go_that_fails_at_first(self) -> None:
        """The object is let go with the row, if not before."""
        self.pool.put_foreign('old')
        self.fail('manage_existing', 'after')
        self.fail('unmanage')
        made = self.accepted(self.ask_volume('old'))
        self.refused_later('volumes', made)
        self.wait_for(lambda: len(self.operations(made['id'])) == 2)
        self.ended(made['id'])
        self.assertEqual([], self.foreign())
        self.fail('unmanage')
        path = self.path(f'volumes/{made["id"]}')
        self.api.delete(path)
        self.wait_for(lambda: len(self.operations(made['id'])) == 3)
        self.ended(made['id'])
        self.assertEqual('error', self.show('volumes', made['id'])['status'])
        self.api.delete(path)
        self.wait_gone('volumes', made['id'])
        self.assertEqual(1, len(self.foreign()))

    def test_a_forced_deletion_meanwhile_removes_no_byte(self) -> None:
        for method in ('manage_existing_get_size', 'manage_existing'):
            event = threading.Event()
            self.addCleanup(event.set)
            self.pool.put_foreign('old', blocks=managed_base.DATA)
            self.driver.faults.hang(method, event)
            made = self.accepted(self.ask_volume('old'))
            self.wait_for(lambda: method in self.pool.called())  # noqa: B023
            self.assertEqual(202, self.api.post(
                self.path(f'volumes/{made["id"]}/action'),
                {'os-force_delete': {}}).status)
            event.set()
            self.wait_gone('volumes', made['id'])
            name, = self.foreign()
            self.assertEqual(managed_base.DATA,
                             self.pool.contents.pop(name).blocks)

    def test_a_volume_goes_with_what_could_not_be_taken(self) -> None:
        volume = self.make_volume(1)
        made = self.accepted(self.ask_snapshot(volume['id'], 'no-such'))
        self.refused_later('snapshots', made)
        self.assertEqual(202, self.api.delete(
            self.path(f'volumes/{volume["id"]}?cascade=true')).status)
        self.wait_gone('volumes', volume['id'])
        self.assertNotIn('delete_snapshot', self.pool.called())

    def test_what_cannot_be_let_go(self) -> None:
        volume = self.make_volume(1)
        snapshot = self.make_snapshot(volume['id'])
        for noun, id_, method, status, event in (
                ('snapshots', snapshot['id'], 'unmanage_snapshot',
                 'error_deleting', 'VOLUME_VOLUME_SNAPSHOT_106_109'),
                ('volumes', volume['id'], 'unmanage', 'error_unmanaging',
                 'VOLUME_VOLUME_104_109')):
            self.fail(method)
            path = self.path(f'{noun}/{id_}/action')
            self.assertEqual(202, self.api.post(
                path, {'os-unmanage': {}}).status)
            self.wait_for(lambda: self.show(  # noqa: B023
                noun, id_)['status'] == status)  # noqa: B023
            message = self.api.get(self.path(
                f'messages?resource_uuid={id_}')).json['messages'][0]
            self.assertEqual(event, message['event_id'])
            self.api.post(path, {'os-reset_status': {'status': 'error'}})
            self.unmanage(noun, id_)
        self.assertEqual(2, len(self.foreign()))

    def test_the_reaper_ends_what_nobody_works_on(self) -> None:
        volume = self.make_volume(1)
        snapshot = self.make_snapshot(volume['id'])
        with self.database.write() as tx:
            for model, id_ in ((models.Volume, volume['id']),
                               (models.Snapshot, snapshot['id'])):
                rows.update(tx, model, id_, {'status': 'managing'})
        for noun, id_ in (('volumes', volume['id']),
                          ('snapshots', snapshot['id'])):
            self.wait_for(lambda: self.show(  # noqa: B023
                noun, id_)['status'] == 'error')  # noqa: B023


class TakeoverTest(managed_base.ManagedTest):
    """R-006: who takes over goes on, and nothing is charged twice."""

    OPTIONS: typing.ClassVar[dict[tuple[str, str], typing.Any]] = {
        **managed_base.ManagedTest.OPTIONS, ('operations', 'lease'): 2.0}

    def test_each_step_hangs_and_is_done_by_another(self) -> None:
        volume = self.make_volume(1)
        for number, method in enumerate((
                'manage_existing_snapshot_get_size',
                'manage_existing_snapshot')):
            event = threading.Event()
            self.addCleanup(event.set)
            self.foreign_snapshot(volume, f'old-{number}')
            self.driver.faults.hang(method, event)
            made = self.accepted(self.ask_snapshot(
                volume['id'], f'old-{number}'))
            self.wait_for(lambda: method in self.pool.called())  # noqa: B023
            self.take_away(made['id'])
            self.wait_status('snapshots', made['id'], 'available')
            event.set()
            time.sleep(0.2)     # the one that hung comes too late
            self.assertEqual('available', self.show(
                'snapshots', made['id'])['status'])
            self.pool.calls.clear()
        self.assertEqual((1, 2, 3), self.usage())

    def test_what_comes_late_is_let_go_again(self) -> None:
        event = threading.Event()
        self.addCleanup(event.set)
        self.pool.put_foreign('old', blocks=managed_base.DATA)
        self.driver.faults.hang('manage_existing', event)
        self.driver.faults.fail('manage_existing')
        made = self.accepted(self.ask_volume('old'))
        self.wait_for(lambda: 'manage_existing' in self.pool.called())
        self.take_away(made['id'])
        self.refused_later('volumes', made)
        self.api.delete(self.path(f'volumes/{made["id"]}'))
        self.wait_gone('volumes', made['id'])
        event.set()
        name = f'volume-{made["id"]}'
        self.wait_for(lambda: name in self.names())
        content = self.pool.contents[name]
        self.wait_for(lambda: content.foreign)
        self.assertEqual(managed_base.DATA, content.blocks)

    def take_away(self, id_: str) -> None:
        """Free an operation as an operator does whose worker hangs."""
        with self.database.write() as tx:
            row, = db_operations.open_of(tx, id_)
            db_operations.free(tx, row.id, row.facts)

    def test_a_scheduler_that_comes_later(self) -> None:
        volume = self.make_volume(1)
        self.foreign_snapshot(volume)
        self.scheduler.stop(time.monotonic() + 10)
        made = self.accepted(self.ask_snapshot(volume['id'], 'old-snap'))
        self.assertEqual('creating', self.show(
            'snapshots', made['id'])['status'])
        self.scheduler = base.SchedulerManager(
            base.CONF, self.database, self.transport, self.publisher)
        self.addCleanup(lambda: self.scheduler.stop(time.monotonic() + 10))
        self.scheduler.start()
        self.wait_status('snapshots', made['id'], 'available')
