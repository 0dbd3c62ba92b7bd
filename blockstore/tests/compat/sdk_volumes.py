"""openstacksdk: volumes, snapshots and attachments."""

from oslo_utils import uuidutils

from blockstore.tests.compat import base

exceptions = base.openstack.exceptions if base.openstack else None


class VolumeTest(base.CompatTest):
    """Volumes."""

    def test_life(self):
        volume = self.make_volume(description='d', metadata={'a': '1'})
        self.assertEqual(('available', 1, 'd', {'a': '1'}, False), (
            volume.status, volume.size, volume.description, volume.metadata,
            volume.is_bootable))
        changed = self.sdk.update_volume(volume, name='new', description='e')
        self.assertEqual(('new', 'e'), (changed.name, changed.description))
        self.assertIn(volume.id, [
            row.id for row in self.sdk.volumes(name='new')])
        self.assertIn(volume.id, [
            row.id for row in self.sdk.volumes(details=False)])
        self.sdk.delete_volume(volume)
        self.gone('volume', volume.id)
        self.assertRaises(exceptions.NotFoundException, self.sdk.get_volume,
                          volume.id)

    def test_pages(self):
        made = {self.make_volume(metadata={'page': 'yes'}).id
                for _ in range(3)}
        found = [row.id for row in self.sdk.volumes(
            limit=2, properties="{'page': 'yes'}")]
        self.assertEqual(sorted(made), sorted(found))

    def test_metadata(self):
        volume = self.make_volume(metadata={'a': '1'})
        self.sdk.set_volume_metadata(volume, b='2')
        self.assertEqual({'a': '1', 'b': '2'},
                         self.sdk.get_volume_metadata(volume).metadata)
        self.sdk.delete_volume_metadata(volume, keys=['a'])
        self.assertEqual({'b': '2'},
                         self.sdk.get_volume_metadata(volume).metadata)

    def test_extend(self):
        volume = self.make_volume()
        self.sdk.extend_volume(volume, 2)
        self.assertEqual(2, self.wait('volume', volume.id).size)

    def test_extend_in_use(self):
        volume = self.make_volume()
        self.attach(volume)
        self.sdk.extend_volume(volume, 2)
        self.assertEqual(2, self.wait('volume', volume.id, 'in-use').size)

    def test_flags_and_reset(self):
        volume = self.make_volume()
        self.sdk.set_volume_readonly(volume, True)
        self.sdk.set_volume_bootable_status(volume, True)
        shown = self.sdk.get_volume(volume.id)
        self.assertEqual((True, 'True'), (
            shown.is_bootable, shown.metadata['readonly']))
        self.sdk.reset_volume_status(volume, status='error')
        self.assertEqual('error', self.sdk.get_volume(volume.id).status)
        self.sdk.delete_volume(volume, force=True)
        self.gone('volume', volume.id)

    def test_clone_and_volume_from_snapshot(self):
        volume = self.make_volume()
        snapshot = self.make_snapshot(volume)
        copy = self.make_volume(snapshot_id=snapshot.id, size=2)
        clone = self.make_volume(source_volume_id=volume.id)
        self.assertEqual((snapshot.id, 2, volume.id), (
            copy.snapshot_id, copy.size, clone.source_volume_id))
        self.remove_volume(copy.id)

    def test_summary(self):
        before = self.sdk.summary(all_projects=False)
        self.make_volume()
        after = self.sdk.summary(all_projects=False)
        self.assertGreaterEqual(after.total_count, 1)
        self.assertGreaterEqual(before.total_size, 0)

    def test_quota(self):
        other = self.sdk_of(f'member:{uuidutils.generate_uuid(dashed=False)}')
        self.assertRaises(exceptions.HttpException, other.create_volume,
                          size=1000000)

    def test_others_do_not_see_it(self):
        volume = self.make_volume()
        other = self.sdk_of(f'member:{uuidutils.generate_uuid(dashed=False)}')
        self.assertEqual([], list(other.volumes()))
        self.assertRaises(exceptions.NotFoundException, other.get_volume,
                          volume.id)
        self.assertRaises(exceptions.ForbiddenException, lambda: list(
            other.services()))


class SnapshotTest(base.CompatTest):
    """Snapshots."""

    def test_life(self):
        volume = self.make_volume()
        snapshot = self.make_snapshot(volume, metadata={'a': '1'})
        self.assertEqual((volume.id, 1, {'a': '1'}), (
            snapshot.volume_id, snapshot.size, snapshot.metadata))
        self.sdk.update_snapshot(snapshot, name='new')
        self.assertEqual([snapshot.id], [
            row.id for row in self.sdk.snapshots(volume_id=volume.id)])
        self.assertEqual('new', self.sdk.get_snapshot(snapshot.id).name)
        self.sdk.set_snapshot_metadata(snapshot, b='2')
        self.sdk.delete_snapshot_metadata(snapshot.id, keys=['a'])
        self.assertEqual({'b': '2'},
                         self.sdk.get_snapshot_metadata(snapshot).metadata)
        self.sdk.delete_snapshot(snapshot)
        self.gone('snapshot', snapshot.id)

    def test_of_a_volume_in_use(self):
        volume = self.make_volume()
        self.attach(volume)
        snapshot = self.make_snapshot(volume, force=True)
        self.assertEqual('in-use', self.sdk.get_volume(volume.id).status)
        self.sdk.reset_snapshot_status(snapshot, 'error')
        self.sdk.delete_snapshot(snapshot, force=True)
        self.gone('snapshot', snapshot.id)

    def test_revert_brings_the_bytes_back(self):
        volume = self.make_volume()
        self.write(volume, b'a' * 4096)
        snapshot = self.make_snapshot(volume)
        self.write(volume, b'b' * 4096)
        self.assertEqual(b'b' * 4096, self.read(volume))
        self.sdk.revert_volume_to_snapshot(volume, snapshot)
        self.wait('volume', volume.id)
        self.assertEqual(b'a' * 4096, self.read(volume))

    def test_a_volume_with_snapshots_stays(self):
        volume = self.make_volume()
        self.make_snapshot(volume)
        self.assertRaises(exceptions.BadRequestException,
                          self.sdk.delete_volume, volume)


class AttachmentTest(base.CompatTest):
    """Attachments, and the older actions."""

    def test_life(self):
        volume = self.make_volume()
        instance = uuidutils.generate_uuid()
        attachment = self.sdk.create_attachment(volume.id, instance=instance)
        self.assertEqual('reserved', attachment.status)
        self.assertEqual('reserved', self.sdk.get_volume(volume.id).status)
        updated = self.sdk.update_attachment(
            attachment.id, connector={'host': 'client'})
        self.assertTrue(updated.connection_info['driver_volume_type'])
        self.sdk.complete_attachment(attachment)
        shown = self.sdk.get_volume(volume.id)
        self.assertEqual(('in-use', instance), (
            shown.status, shown.attachments[0]['server_id']))
        self.assertEqual([attachment.id], [
            row.id for row in self.sdk.attachments(volume_id=volume.id)])
        self.assertEqual('attached',
                         self.sdk.get_attachment(attachment.id).status)
        self.sdk.delete_attachment(attachment)
        self.assertEqual('available', self.sdk.get_volume(volume.id).status)

    def test_one_only(self):
        volume = self.make_volume()
        self.attach(volume)
        self.assertRaises(exceptions.HttpException, self.attach, volume)

    def test_actions(self):
        volume = self.make_volume()
        self.sdk.reserve_volume(volume)
        self.assertEqual('attaching', self.sdk.get_volume(volume.id).status)
        self.sdk.unreserve_volume(volume)
        self.sdk.reserve_volume(volume)
        info = self.sdk.init_volume_attachment(volume, {'host': 'client'})
        self.assertTrue(info)
        self.sdk.attach_volume(volume, '/dev/vdb', instance=(
            uuidutils.generate_uuid()))
        shown = self.sdk.get_volume(volume.id)
        self.assertEqual('in-use', shown.status)
        self.sdk.begin_volume_detaching(volume)
        self.sdk.abort_volume_detaching(volume)
        self.sdk.begin_volume_detaching(volume)
        self.sdk.terminate_volume_attachment(volume, {'host': 'client'})
        self.sdk.detach_volume(
            volume, shown.attachments[0]['attachment_id'])
        self.assertEqual('available', self.sdk.get_volume(volume.id).status)
