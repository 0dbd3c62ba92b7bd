"""python-cinderclient: its library and its shell."""

import time

from oslo_utils import importutils
from oslo_utils import uuidutils

from blockstore.tests.compat import base
from blockstore.tour import place as places

cinder_errors = importutils.try_import('cinderclient.exceptions')


class LibraryCase(base.CompatTest):
    """Has the library as ``client``, of the newest microversion."""

    def setUp(self):
        super().setUp()
        self.client = self.cinder()

    def until(self, look, wanted):
        """Look again and again until what is seen is wanted."""
        deadline = time.monotonic() + 30
        while (seen := look()) != wanted:
            if time.monotonic() > deadline or str(seen).startswith('error'):
                self.fail(f'{seen} instead of {wanted}')
            time.sleep(0.05)

    def ready(self, manager, id_, status='available'):
        """Wait until something has a status; return it."""
        self.until(lambda: manager.get(id_).status, status)
        return manager.get(id_)


class VolumeTest(LibraryCase):
    """Volumes, snapshots and attachments."""

    def volume(self, **fields):
        made = self.client.volumes.create(
            1, name=self.name('volume'), **fields)
        self.addCleanup(self.remove_volume, made.id)
        return self.ready(self.client.volumes, made.id)

    def status(self, volume):
        return self.client.volumes.get(volume.id).status

    def test_life(self):
        volumes = self.client.volumes
        volume = self.volume(metadata={'a': '1'})
        volumes.update(volume, name='new', description='d')
        volumes.set_metadata(volume, {'b': '2'})
        volumes.delete_metadata(volume, ['a'])
        shown = volumes.get(volume.id)
        self.assertEqual(('new', 'd', {'b': '2'}), (
            shown.name, shown.description, shown.metadata))
        volumes.extend(volume, 2)
        self.until(lambda: (volumes.get(volume.id).status,
                            volumes.get(volume.id).size), ('available', 2))
        self.assertIn(volume.id, [row.id for row in volumes.list(
            search_opts={'name': 'new'}, sort='created_at:desc')])
        volumes.delete(volume)
        self.gone('volume', volume.id)

    def test_reset_and_force_delete(self):
        volume = self.volume()
        self.client.volumes.reset_state(volume, 'error')
        self.assertEqual('error', self.status(volume))
        self.client.volumes.force_delete(volume)
        self.gone('volume', volume.id)

    def test_first_version(self):
        client = self.cinder('3.0')
        volume = self.volume()
        shown = client.volumes.get(volume.id)
        self.assertFalse(hasattr(shown, 'group_id'))
        self.assertIn(volume.id, [row.id for row in client.volumes.list()])

    def test_old_attach_actions(self):
        volumes = self.client.volumes
        volume = self.volume()
        volumes.reserve(volume)
        self.assertEqual('attaching', self.status(volume))
        volumes.unreserve(volume)
        self.assertEqual('available', self.status(volume))
        volumes.reserve(volume)
        connector = {'host': 'client'}
        info = volumes.initialize_connection(volume, connector)
        self.assertIn('driver_volume_type', info)
        volumes.attach(volume, uuidutils.generate_uuid(), '/dev/vdb', 'rw')
        self.assertEqual('in-use', self.status(volume))
        volumes.begin_detaching(volume)
        self.assertEqual('detaching', self.status(volume))
        volumes.roll_detaching(volume)
        self.assertEqual('in-use', self.status(volume))
        volumes.begin_detaching(volume)
        volumes.terminate_connection(volume, connector)
        volumes.detach(volume)
        self.assertEqual('available', self.status(volume))

    def test_attachments(self):
        attachments = self.client.attachments
        volume = self.volume()
        made = attachments.create(volume.id, None,
                                  uuidutils.generate_uuid())
        updated = attachments.update(made['id'], {'host': 'client'})
        self.assertTrue(updated.connection_info)
        attachments.complete(made['id'])
        self.assertEqual('in-use', self.status(volume))
        self.assertEqual(made['id'], attachments.show(made['id']).id)
        self.assertEqual([made['id']], [
            row.id for row in attachments.list(
                search_opts={'volume_id': volume.id})])
        attachments.delete(made['id'])
        self.assertEqual('available', self.status(volume))

    def test_snapshots(self):
        snapshots = self.client.volume_snapshots
        volume = self.volume()
        made = snapshots.create(volume.id, name='s', metadata={'a': '1'})
        snapshot = self.ready(snapshots, made.id)
        snapshots.update(snapshot, name='t')
        snapshots.set_metadata(snapshot, {'b': '2'})
        snapshots.delete_metadata(snapshot, ['a'])
        shown = snapshots.get(snapshot.id)
        self.assertEqual(('t', {'b': '2'}), (shown.name, shown.metadata))
        self.client.volumes.revert_to_snapshot(volume, snapshot)
        self.until(lambda: self.status(volume), 'available')
        self.assertEqual([snapshot.id], [
            row.id for row in snapshots.list(
                search_opts={'volume_id': volume.id})])
        snapshots.reset_state(snapshot, 'error')
        snapshots.delete(snapshot, force=True)
        self.gone('snapshot', snapshot.id)


class BackupTest(LibraryCase):
    """Backups."""

    def test_life(self):
        backups = self.client.backups
        volume = self.make_volume()
        self.attach(volume)
        self.assertRaises(cinder_errors.BadRequest, backups.create,
                          volume.id)
        made = backups.create(volume.id, name='b', force=True,
                              metadata={'a': '1'})
        self.addCleanup(self.remove_backup, made.id)
        backup = self.ready(backups, made.id)
        again = backups.create(volume.id, incremental=True, force=True)
        self.addCleanup(self.remove_backup, again.id)
        self.assertTrue(self.ready(backups, again.id).is_incremental)
        backups.update(backup, name='c')
        self.assertEqual('c', backups.get(backup.id).name)
        self.assertEqual({backup.id, again.id}, {
            row.id for row in backups.list(
                search_opts={'volume_id': volume.id})})
        restored = self.client.restores.restore(backup.id, name='r')
        self.addCleanup(self.remove_volume, restored.volume_id)
        self.ready(self.client.volumes, restored.volume_id)
        self.ready(backups, backup.id)
        backups.reset_state(backup, 'error')
        backups.delete(backup, force=True)
        self.gone('backup', backup.id)


class AdminTest(LibraryCase):
    """Types, quotas, limits, services, zones, pools and messages."""

    def test_types(self):
        types = self.client.volume_types
        kind = types.create(self.name('type'), 'd', is_public=False)
        self.addCleanup(types.delete, kind)
        kind.set_keys({'a': '1', 'b': '2'})
        kind.unset_keys(['a'])
        self.assertEqual({'b': '2'}, types.get(kind.id).extra_specs)
        access = self.client.volume_type_access
        project = uuidutils.generate_uuid(dashed=False)
        access.add_project_access(kind, project)
        self.assertEqual([project], [
            row.project_id for row in access.list(kind)])
        access.remove_project_access(kind, project)
        types.update(kind, name=self.name('type'), description='e')
        self.assertEqual('e', types.get(kind.id).description)

    def test_quotas_and_limits(self):
        quotas = self.client.quotas
        project = uuidutils.generate_uuid(dashed=False)
        usual = quotas.defaults(project).volumes
        quotas.update(project, volumes=3)
        self.assertEqual(3, quotas.get(project).volumes)
        self.assertEqual(0, quotas.get(project, usage=True).volumes['in_use'])
        quotas.delete(project)
        self.assertEqual(usual, quotas.get(project).volumes)
        absolute = {row.name: row.value
                    for row in self.client.limits.get().absolute}
        self.assertIn('maxTotalVolumes', absolute)

    def test_services_zones_and_pools(self):
        services = self.client.services
        rows = {row.binary: row for row in services.list()}
        self.assertEqual({'up'}, {row.state for row in rows.values()})
        host = rows['cinder-scheduler'].host
        services.disable_log_reason(host, 'cinder-scheduler', 'for a test')
        services.enable(host, 'cinder-scheduler')
        self.assertEqual(['nova'], [
            row.zoneName for row in self.client.availability_zones.list()])
        self.assertEqual(1, len(self.client.pools.list(detailed=True)))

    def test_messages(self):
        kind = self.client.volume_types.create(self.name('type'))
        kind.set_keys({'volume_backend_name': 'nowhere'})
        volume = self.client.volumes.create(1, volume_type=kind.id)
        self.addCleanup(self.client.volume_types.delete, kind)
        self.addCleanup(self.remove_volume, volume.id)
        self.until(lambda: [
            row.resource_uuid for row in self.client.messages.list(
                search_opts={'resource_uuid': volume.id})], [volume.id])


class ShellTest(base.CompatTest):
    """The program ``cinder``."""

    def test_a_few_commands(self):
        name = self.name('volume')
        shown = self.cinder_shell('create', '1', '--name', name)
        self.assertIn('creating', shown)
        volume = self.sdk.find_volume(name)
        self.addCleanup(self.remove_volume, volume.id)
        self.wait('volume', volume.id)
        self.assertIn(name, self.cinder_shell('list'))
        shown = self.cinder_shell('attachment-create', name,
                                  uuidutils.generate_uuid(),
                                  '--connect', 'True', '--host', 'client')
        self.assertIn('driver_volume_type', shown)
        attachment = next(self.sdk.attachments(volume_id=volume.id))
        self.cinder_shell('attachment-complete', attachment.id)
        self.cinder_shell('backup-create', name, '--name', name, '--force')
        backup = self.sdk.find_backup(name)
        self.addCleanup(self.remove_backup, backup.id)
        self.wait('backup', backup.id)
        self.assertIn(places.PROJECT,
                      self.cinder_shell('show', name))
