"""Objects that cross RPC: their shapes are versioned, and may grow."""

import datetime

from oslo_versionedobjects import exception
from oslo_versionedobjects import fixture
from oslotest import base as test_base

from blockstore.objects import backup  # noqa: F401 - registers
from blockstore.objects import base
from blockstore.objects import operation  # noqa: F401 - registers
from blockstore.objects import service
from blockstore.objects import snapshot  # noqa: F401 - registers
from blockstore.objects import volume  # noqa: F401 - registers

#: A shape that changes needs a new version, and a line in its history, in
#: that of blockstore.rpc.versions, and here.
SHAPES = {
    'BackupInfo': '1.0-7f200f4f2029e4309c9bed61c43b6cad',
    'CapacityInfo': '1.0-b1b4adfd58f9096dc1b5678eda76cd13',
    'OperationInfo': '1.0-f337300285fcdc0ac342a8ca8d809061',
    'PoolInfo': '1.0-d798defaf23cdaa0aea12feb0fe51155',
    'Snapshot': '1.0-cb2f034bd4750ba997bae0886f705a44',
    'SnapshotInfo': '1.0-da9a310fa79a588314c543bf1eb15ed7',
    'VersionsInfo': '1.0-88288e4656cec96f7a7caf6d266bc36a',
    'Volume': '1.0-0732a0be236370c58f0d82272d12d77e',
    'VolumeInfo': '1.0-3b583d99d8befb0c361150f58a5677de',
}


class ShapesTest(test_base.BaseTestCase):

    def test_no_shape_changes_without_a_version(self):
        checker = fixture.ObjectVersionChecker(base.Registry.obj_classes())
        expected, found = checker.test_hashes(SHAPES)
        self.assertEqual(expected, found)


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
