"""openstacksdk: types, quotas, limits, services, zones and pools."""

from oslo_utils import uuidutils

from blockstore.tests.compat import base

exceptions = base.openstack.exceptions if base.openstack else None


class TypeTest(base.CompatTest):
    """Volume types."""

    def test_life(self):
        kind = self.sdk.create_type(
            name=self.name('type'), description='d', is_public=False)
        self.addCleanup(self.sdk.delete_type, kind)
        self.assertEqual(('d', False), (kind.description, kind.is_public))
        self.sdk.update_type(kind, description='e')
        self.sdk.update_type_extra_specs(kind, capabilities='x', b='2')
        self.sdk.delete_type_extra_specs(kind, keys=['capabilities'])
        shown = self.sdk.get_type(kind.id)
        self.assertEqual(('e', {'b': '2'}), (
            shown.description, shown.extra_specs))
        self.assertIn(kind.id, [
            row.id for row in self.sdk.types(is_public=False)])

    def test_access(self):
        project = uuidutils.generate_uuid(dashed=False)
        kind = self.sdk.create_type(name=self.name('type'), is_public=False)
        self.addCleanup(self.sdk.delete_type, kind)
        other = self.sdk_of(f'member:{project}')
        self.assertEqual([], list(other.types()))
        self.sdk.add_type_access(kind, project)
        self.assertEqual([kind.id], [row.id for row in other.types()])
        self.assertEqual([project], [
            row['project_id'] for row in self.sdk.get_type_access(kind)])
        self.sdk.remove_type_access(kind, project)
        self.assertEqual([], list(other.types()))

    def test_volume_of_a_type(self):
        kind = self.sdk.create_type(name=self.name('type'))
        self.addCleanup(self.sdk.delete_type, kind)
        volume = self.make_volume(volume_type=kind.name)
        self.assertEqual(kind.name, volume.volume_type)
        self.remove_volume(volume.id)


class QuotaTest(base.CompatTest):
    """Quota sets and limits."""

    def test_life(self):
        project = uuidutils.generate_uuid(dashed=False)
        usual = self.sdk.get_quota_set_defaults(project)
        self.assertEqual(usual.volumes,
                         self.sdk.get_quota_set(project).volumes)
        self.sdk.update_quota_set(project, volumes=1)
        self.assertEqual(1, self.sdk.get_quota_set(project).volumes)
        other = self.sdk_of(f'member:{project}')
        first = other.create_volume(size=1)
        self.addCleanup(self.remove_volume, first.id)
        error = self.assertRaises(exceptions.HttpException,
                                  other.create_volume, size=1)
        self.assertEqual(413, error.status_code)
        used = self.sdk.get_quota_set(project, usage=True)
        self.assertEqual(1, used.usage['volumes'])
        limits = other.get_limits().absolute
        self.assertEqual((1, 1), (
            limits.max_total_volumes, limits.total_volumes_used))
        self.wait('volume', first.id)
        self.sdk.revert_quota_set(project)
        self.assertEqual(usual.volumes,
                         self.sdk.get_quota_set(project).volumes)


class DaemonTest(base.CompatTest):
    """Services, zones, pools and extensions."""

    def test_services(self):
        rows = {row.binary: row for row in self.sdk.services()}
        self.assertEqual(
            {'cinder-backup': 'up', 'cinder-scheduler': 'up',
             'cinder-volume': 'up'},
            {name: row.state for name, row in rows.items()})
        scheduler = rows['cinder-scheduler']
        self.sdk.disable_service(scheduler, reason='for a test')
        self.addCleanup(self.sdk.enable_service, scheduler)
        shown = next(iter(self.sdk.services(binary='cinder-scheduler')))
        self.assertEqual(('disabled', 'for a test'), (
            shown.status, shown.disabled_reason))

    def test_zones(self):
        self.assertEqual([('nova', {'available': True})], [
            (row.name, row.state) for row in self.sdk.availability_zones()])

    def test_pools(self):
        pools = list(self.sdk.backend_pools())
        self.assertEqual(1, len(pools))
        self.assertIn('@', pools[0].name)

    def test_extensions_and_filters(self):
        self.assertTrue(list(self.sdk.extensions()))
        self.assertIn('volume', [
            row.resource for row in self.sdk.resource_filters()])
