"""openstacksdk: backups, restores, operations and messages."""

from blockstore.tests.compat import base
from blockstore.tour import place as places

exceptions = base.openstack.exceptions if base.openstack else None


class BackupTest(base.CompatTest):
    """Backups of volumes in use and not, and what is restored from them."""

    def restore(self, backup, **fields):
        answer = self.sdk.restore_backup(backup.id, **fields)
        self.addCleanup(self.remove_volume, answer.volume_id)
        volume = self.wait('volume', answer.volume_id)
        self.wait('backup', backup.id)
        return volume

    def test_life(self):
        volume = self.make_volume()
        self.write(volume, b'a' * 4096)
        backup = self.make_backup(volume, description='d',
                                  metadata={'a': '1'})
        self.assertEqual(
            (volume.id, 1, 'd', False, False, {'a': '1'}),
            (backup.volume_id, backup.size, backup.description,
             backup.is_incremental, backup.has_dependent_backups,
             backup.metadata))
        self.assertIn(backup.id, [
            row.id for row in self.sdk.backups(volume_id=volume.id)])
        changed = self.sdk.update_backup(backup, name='new')
        self.assertEqual('new', changed.name)
        restored = self.restore(backup, name=self.name('restored'))
        self.assertEqual(b'a' * 4096, self.read(restored))
        self.sdk.delete_backup(backup)
        self.gone('backup', backup.id)

    def test_in_use_needs_force(self):
        volume = self.make_volume()
        self.attach(volume)
        self.assertRaises(exceptions.BadRequestException,
                          self.sdk.create_backup, volume_id=volume.id)
        backup = self.make_backup(volume, force=True)
        shown = self.sdk.get_volume(volume.id)
        self.assertEqual('in-use', shown.status)
        self.assertEqual(1, backup.size)
        # What the service made for itself is nobody else's business.
        self.assertEqual([], list(self.sdk.snapshots(volume_id=volume.id)))

    def test_incremental_stands_alone(self):
        volume = self.make_volume()
        self.assertRaises(
            exceptions.BadRequestException, self.sdk.create_backup,
            volume_id=volume.id, is_incremental=True)
        attachment = self.attach(volume)
        connection = self.open(attachment)
        connection.write(0, b'a' * 4096)
        full = self.make_backup(volume, force=True)
        connection.write(1 << 20, b'b' * 4096)
        changes = self.make_backup(volume, force=True, is_incremental=True)
        self.assertTrue(changes.is_incremental)
        self.remove_backup(full.id)
        restored = self.restore(changes, name=self.name('restored'))
        self.assertEqual((b'a' * 4096, b'b' * 4096), (
            self.read(restored), self.read(restored, 1 << 20)))

    def test_of_a_snapshot_to_a_given_volume(self):
        volume = self.make_volume()
        self.write(volume, b'a' * 4096)
        snapshot = self.make_snapshot(volume)
        self.write(volume, b'b' * 4096)
        backup = self.make_backup(volume, snapshot_id=snapshot.id)
        self.assertEqual(snapshot.id, backup.snapshot_id)
        target = self.make_volume()
        restored = self.restore(backup, volume_id=target.id)
        self.assertEqual(target.id, restored.id)
        self.assertEqual(b'a' * 4096, self.read(restored))

    def test_reset_and_force_delete(self):
        backup = self.make_backup(self.make_volume())
        self.sdk.reset_backup_status(backup, 'error')
        self.assertEqual('error', self.sdk.get_backup(backup.id).status)
        self.sdk.delete_backup(backup, force=True)
        self.gone('backup', backup.id)

    def test_volume_from_backup(self):
        volume = self.make_volume()
        self.write(volume, b'a' * 4096)
        backup = self.make_backup(volume)
        made = self.make_volume(backup_id=backup.id)
        self.assertEqual(b'a' * 4096, self.read(made))


class OperationTest(base.CompatTest):
    """What goes on after an answer can be followed."""

    def test_a_backup_tells_how_far_it_is(self):
        backup = self.make_backup(self.make_volume())
        rows = self.sdk.get('/operations', params={
            'resource_id': backup.id}).json()['operations']
        self.assertEqual([('backup.create', 'done', 100)], [
            (row['kind'], row['state'], row['progress']['percent'])
            for row in rows])
        one = self.sdk.get(f'/operations/{rows[0]["id"]}').json()
        self.assertEqual(rows[0], one['operation'])


class MessageTest(base.CompatTest):
    """What failed after an answer is told."""

    def test_a_volume_without_a_place(self):
        kind = self.sdk.create_type(name=self.name('type'), extra_specs={
            'volume_backend_name': 'nowhere'})
        self.addCleanup(self.sdk.delete_type, kind)
        volume = self.sdk.create_volume(size=1, volume_type=kind.name)
        self.addCleanup(self.remove_volume, volume.id)
        self.sdk.wait_for_status(volume, 'error', [], interval=0.05, wait=30)
        news = self.sdk_of(f'admin:{places.PROJECT}', version='3.3')
        told = [row for row in news.messages()
                if row.resource_uuid == volume.id]
        self.assertEqual(['VOLUME'], [row.resource_type for row in told])
        self.assertTrue(told[0].user_message)
        news.delete_message(told[0])
        self.assertRaises(exceptions.NotFoundException, news.get_message,
                          told[0].id)
