"""What the driver ``lvm`` makes of reports, maps, names and options."""

import types

from oslo_config import cfg
from oslotest import base

from blockstore import exceptions
from blockstore.conf import lvm as options
from blockstore.tests import volume_objects
from blockstore.volume.connections.base import Extent
from blockstore.volume.drivers.lvm import group
from blockstore.volume.drivers.lvm import report
from blockstore.volume.drivers.lvm import settings
from blockstore.volume.drivers.lvm import thinmap
from blockstore.volume.drivers.lvm import ways

# As LVM 2.03.16 prints it.
VOLUMES = """
  {
      "report": [
          {
              "lv": [
                  {"lv_name":"_snapshot-1", "lv_size":"1073741824",
                   "lv_layout":"thin,sparse", "lv_active":"",
                   "lv_tags":"blockstore.managed", "pool_lv":"pool",
                   "origin":"volume-1", "thin_id":"3", "data_percent":"",
                   "metadata_percent":"", "zero":"zero"},
                  {"lv_name":"pool", "lv_size":"65141735424",
                   "lv_layout":"thin,pool", "lv_active":"active",
                   "lv_tags":"", "pool_lv":"", "origin":"", "thin_id":"",
                   "data_percent":"0.01", "metadata_percent":"10.44",
                   "zero":"zero"},
                  {"lv_name":"volume-1", "lv_size":"1073741824",
                   "lv_layout":"thin,sparse", "lv_active":"active",
                   "lv_tags":"blockstore.managed,blockstore.reverting:1",
                   "pool_lv":"pool", "origin":"", "thin_id":"1",
                   "data_percent":"6.25", "metadata_percent":"",
                   "zero":"zero"}
              ]
          }
      ]
  }
"""
GROUP = """
  {"report": [{"vg": [{"vg_name":"vg", "vg_size":"68715282432",
                       "vg_free":"3439329280", "vg_extent_size":"4194304"}]}]}
"""
# As thin-provisioning-tools 0.9 print it.
DUMP = """<superblock uuid="" time="2" transaction="4" flags="0" version="2" \
data_block_size="128" nr_data_blocks="0">
  <device dev_id="1" mapped_blocks="7" transaction="0" creation_time="0">
    <single_mapping origin_block="0" data_block="0" time="0"/>
    <range_mapping origin_begin="1" data_begin="9" length="2" time="0"/>
    <range_mapping origin_begin="10" data_begin="3" length="4" time="1"/>
  </device>
</superblock>
"""
DELTA = """<superblock uuid="" time="2" transaction="4" data_block_size="128" \
nr_data_blocks="0">
  <diff left="2" right="3">
    <same begin="0" length="4"/>
    <different begin="4" length="2"/>
    <right_only begin="6" length="1"/>
    <left_only begin="7" length="3"/>
  </diff>
</superblock>
"""
BLOCK = 64 << 10


class ReportTest(base.BaseTestCase):
    """JSON of lvs and vgs."""

    def test_volumes(self):
        found = report.parse_volumes(VOLUMES)
        self.assertEqual({'_snapshot-1', 'pool', 'volume-1'}, found.keys())
        snapshot, pool, volume = (found['_snapshot-1'], found['pool'],
                                  found['volume-1'])
        self.assertEqual((1 << 30, 'volume-1', 3, 'pool'), (
            snapshot.size, snapshot.origin, snapshot.thin_id, snapshot.pool))
        self.assertEqual((True, True, False), (
            snapshot.managed, snapshot.is_snapshot, snapshot.is_pool))
        self.assertEqual((False, False, True, 0.01, 10.44, True), (
            pool.managed, pool.is_snapshot, pool.is_pool, pool.data_percent,
            pool.metadata_percent, pool.zeroes))
        self.assertIsNone(pool.thin_id)
        self.assertEqual('1', volume.reverting)
        self.assertIsNone(snapshot.reverting)

    def test_a_snapshot_that_is_not_thin(self):
        found = report.parse_volumes(
            '{"report": [{"lv": [{"lv_name": "s", "lv_size": "1077936128", '
            '"origin": "v", "origin_size": "1073741824", "pool_lv": ""}]}]}')
        self.assertEqual(1 << 30, found['s'].size)

    def test_an_empty_group(self):
        self.assertEqual({}, report.parse_volumes(
            '{"report": [{"lv": []}]}'))

    def test_a_copy_is_no_snapshot(self):
        for one in (report.LogicalVolume('old', 1, origin='a', tags=frozenset(
                        [report.COPY])),
                    report.LogicalVolume('volume-2', 1, origin='a')):
            self.assertFalse(one.is_snapshot)
        self.assertTrue(report.LogicalVolume('mine', 1, origin='a',
                                             ).is_snapshot)

    def test_group(self):
        self.assertEqual(report.VolumeGroup('vg', 68715282432, 3439329280),
                         report.parse_group(GROUP))


class MapTest(base.BaseTestCase):
    """XML of thin_dump and thin_delta."""

    def test_mappings(self):
        runs = thinmap.parse_mappings(DUMP)
        self.assertEqual(2, len(runs))
        self.assertEqual([Extent(0, 3 * BLOCK), Extent(10 * BLOCK, 4 * BLOCK)],
                         list(runs.within(0, 1 << 30)))

    def test_a_part_of_the_mappings(self):
        runs = thinmap.parse_mappings(DUMP)
        self.assertEqual([Extent(4096, 4096)], list(runs.within(4096, 4096)))
        self.assertEqual(
            [Extent(2 * BLOCK + 512, BLOCK - 512), Extent(10 * BLOCK, 512)],
            list(runs.within(2 * BLOCK + 512, 8 * BLOCK)))
        self.assertEqual([], list(runs.within(3 * BLOCK, 7 * BLOCK)))
        self.assertEqual([], list(runs.within(14 * BLOCK, BLOCK)))
        self.assertEqual([], list(runs.within(0, 0)))

    def test_what_changed(self):
        self.assertEqual(
            [Extent(4 * BLOCK, 3 * BLOCK), Extent(7 * BLOCK, 3 * BLOCK, True)],
            list(thinmap.parse_delta(DELTA).within(0, 1 << 30)))

    def test_something_else(self):
        self.assertRaises(ValueError, thinmap.parse_delta, '')

    def test_each_run_is_two_numbers(self):
        runs = thinmap.Runs(BLOCK)
        for number in range(0, 100_000, 2):
            runs.add(number, 1)
        self.assertEqual(50_000, len(runs))
        self.assertEqual([Extent(99_998 * BLOCK, BLOCK)],
                         list(runs.within(99_997 * BLOCK, 9 * BLOCK)))


class NamesTest(base.BaseTestCase):
    """Names in the group, and whose they are."""

    def test_there_and_back(self):
        volume = volume_objects.Volume()
        snapshot = volume_objects.Snapshot(volume)
        self.assertEqual(f'_snapshot-{snapshot.id}', group.name_of(snapshot))
        self.assertEqual(('volume', volume.id),
                         group.owner_of(group.name_of(volume)))
        self.assertEqual(('snapshot', snapshot.id),
                         group.owner_of(group.name_of(snapshot)))
        self.assertEqual(('volume', volume.id),
                         group.owner_of(f'_moment-{volume.id}'))

    def test_of_nobody(self):
        for name in ('lvol0', 'volume-1', 'snapshot-x', 'volume-',
                     f'my-volume-{volume_objects.Volume().id}'):
            self.assertIsNone(group.owner_of(name))

    def test_in_use(self):
        for text in ('  Logical volume vg/volume-1 is used by another device.',
                     '  Logical volume vg/volume-1 in use.',
                     '  Logical volume vg/a contains a filesystem in use.'):
            self.assertTrue(group.LvmFailed('x', 5, text).in_use)
        self.assertFalse(group.LvmFailed(
            'x', 5, '  Failed to find logical volume "vg/v"').in_use)


class SettingsTest(base.BaseTestCase):
    """Options."""

    def test_a_configuration_and_a_plain_object_are_the_same(self):
        conf = cfg.ConfigOpts()
        conf.register_opts(options.OPTS, group='fast')
        conf([], default_config_files=[])
        self.assertEqual(
            settings.from_conf(types.SimpleNamespace(), 'h@fast'),
            settings.from_conf(conf.fast, 'h@fast'))

    def test_capabilities_follow_the_type(self):
        for kind, tells in (('thin', True), ('thick', False)):
            driver = volume_objects.load_driver('lvm', lvm_type=kind)
            self.assertEqual(tells, hasattr(driver, 'changed_extents'))
            self.assertTrue(driver.backup_use_temp_snapshot())


class ConnectorTest(base.BaseTestCase):
    """Who is let in, and how."""

    def ways(self, **values):
        conf = types.SimpleNamespace(**values)
        return ways.Ways(group.Group(settings.from_conf(conf, 'h@fast')),
                         None)

    def test_this_machine(self):
        for host in ('h', 'also', None):
            self.ways(lvm_local_hosts=['also']).validate({'host': host})

    def test_another_one(self):
        connector = {'host': 'other', 'initiator': 'iqn.2026-01.org.x:y'}
        self.ways(lvm_target_helper='tgt').validate(connector)
        error = self.assertRaises(exceptions.InvalidConnector,
                                  self.ways().validate, connector)
        self.assertIn('lvm_target_helper', error.remedy)
        self.assertRaises(
            exceptions.InvalidConnector,
            self.ways(lvm_target_helper='lio').validate, {'host': 'other'})

    def test_odd_initiators(self):
        served = self.ways(lvm_target_helper='lio')
        for initiator in ('-x', 'iqn.2026-01.a.b/../c', 'iqn.a b', 5, ['a'],
                          'iqn.' + 'x' * 200, 'ALL'):
            self.assertRaises(
                exceptions.InvalidConnector, served.validate,
                {'host': 'other', 'initiator': initiator})
