"""Manage and unmanage with the released clients (R-029)."""

import re

from blockstore.tests.compat import base
from blockstore.tests.compat import cinder
from blockstore.tour import place as places


class ManagedCase(base.CompatTest):
    """Has a volume with a snapshot, and knows where they are."""

    def setUp(self):
        super().setUp()
        self.volume = self.make_volume()
        self.snapshot = self.make_snapshot(self.volume)
        pool, = self.sdk.backend_pools()
        self.host = pool.name.partition('#')[0]
        # The SDK asks for these lists at its default version.
        self.newest = self.sdk_of(f'admin:{places.PROJECT}', '3.71')

    def free(self, noun):
        """Return the names of what could be managed."""
        return [entry.reference['source-name'] for entry
                in getattr(self.newest, f'manageable_{noun}')(host=self.host)
                if entry.safe_to_manage]

    def found(self, noun, before):
        """Return the name of what came to be free."""
        name, = set(self.free(noun)) - set(before)
        return name


class LibraryTest(ManagedCase, cinder.LibraryCase):
    """python-cinderclient's library."""

    def test_r029_snapshots(self):
        snapshots = self.client.volume_snapshots
        listed = [entry for entry in snapshots.list_manageable(
            self.host, detailed=True, sort='reference')
            if entry.cinder_id == self.snapshot.id]
        self.assertEqual((False, 'already managed'), (
            listed[0].safe_to_manage, listed[0].reason_not_safe))
        snapshots.unmanage(self.snapshot.id)
        self.gone('snapshot', self.snapshot.id)
        made = snapshots.manage(
            self.volume.id, listed[0].reference, name='n', description='d',
            metadata={'a': '1'})
        self.assertEqual('creating', made.status)
        shown = self.ready(snapshots, made.id)
        self.assertEqual(('n', 'd', {'a': '1'}), (
            shown.name, shown.description, shown.metadata))

    def test_volumes(self):
        volumes = self.client.volumes
        self.sdk.delete_snapshot(self.snapshot)
        self.gone('snapshot', self.snapshot.id)
        before = self.free('volumes')
        volumes.unmanage(self.volume.id)
        self.gone('volume', self.volume.id)
        name = self.found('volumes', before)
        made = volumes.manage(self.host, {'source-name': name}, name='n',
                              metadata={'a': '1'}, bootable=True)
        self.addCleanup(self.remove_volume, made.id)
        shown = self.ready(volumes, made.id)
        self.assertEqual(('n', 1, 'true', {'a': '1'}), (
            shown.name, shown.size, shown.bootable, shown.metadata))
        self.assertIn(made.id, [entry.cinder_id for entry
                                in volumes.list_manageable(self.host)])


class ShellTest(ManagedCase):
    """The program ``cinder``."""

    def test_r029_manage_and_unmanage(self):
        before = self.free('snapshots')
        self.cinder_shell('snapshot-unmanage', self.snapshot.id)
        self.gone('snapshot', self.snapshot.id)
        name = self.found('snapshots', before)
        self.assertIn(name, self.cinder_shell(
            'snapshot-manageable-list', self.host, '--detailed', 'True'))
        shown = self.cinder_shell('snapshot-manage', self.volume.id, name,
                                  '--name', name)
        self.assertIn('creating', shown)
        snapshot = self.wait('snapshot', self.sdk.find_snapshot(name).id)
        self.sdk.delete_snapshot(snapshot)
        self.gone('snapshot', snapshot.id)
        before = self.free('volumes')
        self.cinder_shell('unmanage', self.volume.id)
        self.gone('volume', self.volume.id)
        name = self.found('volumes', before)
        self.assertIn(name, self.cinder_shell('manageable-list', self.host))
        shown = self.cinder_shell('manage', self.host, name, '--name', name)
        id_ = re.search(r'\| id +\| ([0-9a-f-]{36})', shown)[1]
        self.addCleanup(self.remove_volume, id_)
        self.assertEqual(1, self.wait('volume', id_).size)


class OpenStackTest(ManagedCase):
    """The program ``openstack`` and openstacksdk."""

    def test_remote_source_and_remote(self):
        before = self.free('snapshots')
        self.openstack('volume', 'snapshot', 'delete', '--remote',
                       self.snapshot.id, answers=False)
        self.gone('snapshot', self.snapshot.id)
        name = self.found('snapshots', before)
        made = self.openstack(
            'volume', 'snapshot', 'create', '--remote-source',
            f'source-name={name}', '--volume', self.volume.id, name)
        self.wait('snapshot', made['id'])
        self.openstack('volume', 'snapshot', 'delete', made['id'],
                       answers=False)
        self.gone('snapshot', made['id'])
        before = self.free('volumes')
        self.openstack('volume', 'delete', '--remote', self.volume.id,
                       answers=False)
        self.gone('volume', self.volume.id)
        name = self.found('volumes', before)
        made = self.openstack(
            'volume', 'create', '--remote-source', f'source-name={name}',
            '--host', self.host, name)
        self.addCleanup(self.remove_volume, made['id'])
        self.assertEqual(1, self.wait('volume', made['id']).size)

    def test_sdk(self):
        before = self.free('snapshots')
        self.sdk.unmanage_snapshot(self.snapshot)
        self.gone('snapshot', self.snapshot.id)
        name = self.found('snapshots', before)
        made = self.sdk.manage_snapshot(
            volume_id=self.volume.id, ref={'source-name': name}, name='n')
        snapshot = self.wait('snapshot', made.id)
        self.sdk.delete_snapshot(snapshot)
        self.gone('snapshot', snapshot.id)
        before = self.free('volumes')
        self.sdk.unmanage_volume(self.volume)
        self.gone('volume', self.volume.id)
        name = self.found('volumes', before)
        made = self.sdk.manage_volume(
            host=self.host, ref={'source-name': name}, name='n')
        self.addCleanup(self.remove_volume, made.id)
        self.wait('volume', made.id)
