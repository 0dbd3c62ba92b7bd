"""Objects that cross RPC: their shapes are versioned, and may grow."""

import datetime

from oslo_config import fixture as config_fixture
from oslo_versionedobjects import base as ovo_base
from oslo_versionedobjects import exception
from oslo_versionedobjects import fixture
from oslotest import base as test_base

from blockstore import conf as blockstore_conf
from blockstore.conf import upgrade_levels
from blockstore.objects import attachment  # noqa: F401 - registers
from blockstore.objects import backup  # noqa: F401 - registers
from blockstore.objects import base
from blockstore.objects import operation  # noqa: F401 - registers
from blockstore.objects import service
from blockstore.objects import snapshot  # noqa: F401 - registers
from blockstore.objects import volume
from blockstore.rpc import transport
from blockstore.rpc import versions

#: A shape that changes needs a new version, and a line in its history, in
#: that of blockstore.rpc.versions, and here.
SHAPES = {
    'AttachmentInfo': '1.0-653a37beccbe8597d7d262fccd4843fa',
    'BackupInfo': '1.0-7f200f4f2029e4309c9bed61c43b6cad',
    'CapacityInfo': '1.0-b1b4adfd58f9096dc1b5678eda76cd13',
    'OperationInfo': '1.0-f337300285fcdc0ac342a8ca8d809061',
    'PoolInfo': '1.0-d798defaf23cdaa0aea12feb0fe51155',
    'Snapshot': '1.0-cb2f034bd4750ba997bae0886f705a44',
    'SnapshotInfo': '1.0-da9a310fa79a588314c543bf1eb15ed7',
    'VersionsInfo': '1.0-88288e4656cec96f7a7caf6d266bc36a',
    'Volume': '1.0-0732a0be236370c58f0d82272d12d77e',
    'VolumeInfo': '1.1-fd3afa7ef04ff37409972d368252299d',
}


class ShapesTest(test_base.BaseTestCase):

    def test_no_shape_changes_without_a_version(self):
        checker = fixture.ObjectVersionChecker(base.Registry.obj_classes())
        expected, found = checker.test_hashes(SHAPES)
        self.assertEqual(expected, found)


class OldReceiverTest(test_base.BaseTestCase):
    """One that knows the first shape of a volume and takes no other."""

    def receive(self, wire):
        registry = ovo_base.VersionedObjectRegistry

        class OldBase(ovo_base.VersionedObject):
            OBJ_PROJECT_NAMESPACE = 'blockstore'
            OBJ_SERIAL_NAMESPACE = 'blockstore_object'

        class VolumeInfo(OldBase):
            VERSION = '1.0'
            fields = {name: field
                      for name, field in volume.VolumeInfo.fields.items()
                      if name != 'attachments'}

        known = dict(registry._registry._obj_classes)
        self.addCleanup(setattr, registry._registry, '_obj_classes', known)
        registry._registry._obj_classes = {'VolumeInfo': [VolumeInfo]}
        ovo_base._make_class_properties(VolumeInfo)
        return OldBase.obj_from_primitive(wire)

    def send(self, pin):
        blockstore_conf.register(blockstore_conf.CONF)
        self.useFixture(config_fixture.Config(blockstore_conf.CONF)).config(
            group='upgrade_levels', objects=pin)
        serializer = transport.RequestContextSerializer(blockstore_conf.CONF)
        return serializer.serialize_entity(None, {
            'volume': volume.VolumeInfo(id='v', size=3, attachments=['a'])},
            )['volume']

    def test_it_reads_what_is_pinned(self):
        wire = self.send('1.0')
        self.assertEqual('1.0', wire['blockstore_object.version'])
        self.assertNotIn('attachments', wire['blockstore_object.data'])
        self.assertEqual(('v', 3), (self.receive(wire).id,
                                    self.receive(wire).size))

    def test_it_does_not_read_what_is_not(self):
        for pin in ('auto', '1.1'):
            wire = self.send(pin)
            self.assertEqual(['a'], wire['blockstore_object.data'][
                'attachments'])
            self.assertRaises(exception.IncompatibleObjectVersion,
                              self.receive, wire)

    def test_every_version_has_its_shapes(self):
        option, = (one for one in upgrade_levels.OPTS
                   if one.name == 'objects')
        self.assertEqual(
            [versions.SHAPES.keys(), versions.OBJECTS],
            [option.type.choices.keys() - {'auto'}, max(
                versions.SHAPES, key=versions.parse)])


class WireTest(test_base.BaseTestCase):

    def setUp(self):
        super().setUp()
        self.info = service.VersionsInfo(rpc='1.1', objects='1.0')
        self.wire = base.pack({'answer': [self.info], 'more': (1, None)})

    def test_there_and_back(self):
        found = base.unpack(self.wire)
        self.assertEqual('1.1', found['answer'][0].rpc)
        self.assertEqual((1, None), found['more'])

    def test_times(self):
        moment = datetime.datetime(2026, 1, 2, 3, 4, 5)
        sent = operation.OperationInfo(id='o', created_at=moment)
        found = base.unpack(base.pack(sent))
        self.assertEqual(moment, found.created_at.replace(tzinfo=None))

    def test_a_newer_one_is_read_as_far_as_it_is_known(self):
        sent = self.wire['answer'][0]
        sent['blockstore_object.version'] = '1.7'
        sent['blockstore_object.data']['colour'] = 'red'
        found = base.unpack(self.wire)['answer'][0]
        self.assertEqual(('1.1', '1.0'), (found.rpc, found.VERSION))
        self.assertNotIn('colour', found.fields)

    def test_another_major_version_is_refused(self):
        self.wire['answer'][0]['blockstore_object.version'] = '2.0'
        self.assertRaises(exception.IncompatibleObjectVersion, base.unpack,
                          self.wire)
