"""The program ``openstack``: as a newcomer would use it."""

from blockstore.tests.compat import base


class CommandTest(base.CompatTest):
    """One chain of commands, for each takes a second."""

    def test_backup_and_restore(self):
        name = self.name('volume')
        made = self.openstack('volume', 'create', '--size', '1', name)
        self.addCleanup(self.remove_volume, made['id'])
        volume = self.wait('volume', made['id'])
        attachment = self.attach(volume)
        rows = self.openstack('volume', 'attachment', 'list')
        self.assertIn(attachment.id, [row['ID'] for row in rows])
        backup = self.openstack('volume', 'backup', 'create', '--force',
                                '--name', name, name)
        self.addCleanup(self.remove_backup, backup['id'])
        self.wait('backup', backup['id'])
        restored = self.openstack('volume', 'backup', 'restore', name,
                                  f'{name}-restored')
        self.addCleanup(self.remove_volume, restored['volume_id'])
        self.wait('volume', restored['volume_id'])
        rows = {row['Name']: row['Status']
                for row in self.openstack('volume', 'list')}
        self.assertEqual(('in-use', 'available'), (
            rows[name], rows[f'{name}-restored']))

    def test_snapshot_set_and_delete(self):
        name = self.name('volume')
        volume = self.make_volume(name=name)
        self.openstack('volume', 'snapshot', 'create', '--volume', name, name)
        self.wait('snapshot', self.sdk.find_snapshot(name).id)
        self.openstack('volume', 'revert', name, answers=False)
        self.wait('volume', volume.id)
        self.openstack('volume', 'set', '--size', '2', '--property', 'a=1',
                       name, answers=False)
        volume = self.wait('volume', volume.id)
        self.assertEqual((2, {'a': '1'}), (volume.size, volume.metadata))
        self.openstack('volume', 'delete', '--purge', name, answers=False)
        self.gone('volume', volume.id)

    def test_administration(self):
        name = self.name('type')
        self.openstack('volume', 'type', 'create', '--property', 'a=1', name)
        shown = self.openstack('volume', 'type', 'show', name)
        self.assertEqual({'a': '1'}, shown['properties'])
        self.openstack('volume', 'type', 'delete', name, answers=False)
        rows = self.openstack('volume', 'service', 'list')
        self.assertEqual({'up'}, {row['State'] for row in rows})
        self.assertIsInstance(self.openstack('volume', 'message', 'list'),
                              list)
        rows = self.openstack('volume', 'backend', 'pool', 'list')
        self.assertEqual(1, len(rows))
