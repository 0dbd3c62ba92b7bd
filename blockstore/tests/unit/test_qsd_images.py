"""Reading qcow2 headers without trusting them."""

import struct

from oslotest import base

from blockstore.volume.drivers.qsd import daemon
from blockstore.volume.drivers.qsd import images


def header(size=1 << 30, backing=b'', backing_format=b'qcow2', version=3,
           incompatible=0, snapshots=0, encryption=0):
    """Return the beginning of a qcow2 file."""
    extensions = b''
    if backing:
        extensions = struct.pack('>II', 0xe2792aca, len(backing_format))
        extensions += backing_format.ljust(-(-len(backing_format) // 8) * 8,
                                           b'\0')
    extensions += bytes(8)
    at = 104 + len(extensions) if backing else 0
    fixed = struct.pack('>4sIQIIQIIQQIIQ', b'QFI\xfb', version, at,
                        len(backing), 16, size, encryption, 1, 0, 0, 1,
                        snapshots, 0)
    more = struct.pack('>QQQII', incompatible, 0, 0, 4, 104)
    return (fixed + more + extensions + backing).ljust(4096, b'\0')


class HeaderTestCase(base.BaseTestCase):

    def test_a_plain_image(self):
        found = images.parse_header(header())
        self.assertEqual(
            images.Header(1 << 30, None, None, 0, 0, 0), found)

    def test_an_overlay(self):
        found = images.parse_header(header(
            backing=b'volume-v.0001.qcow2', incompatible=0x10, snapshots=2))
        self.assertEqual('volume-v.0001.qcow2', found.backing)
        self.assertEqual('qcow2', found.backing_format)
        self.assertEqual(0x10, found.incompatible)
        self.assertEqual(2, found.internal_snapshots)

    def test_a_backing_file_without_a_format(self):
        data = bytearray(header(backing=b'x'))
        data[104:108] = struct.pack('>I', 0x12345678)
        self.assertIsNone(images.parse_header(bytes(data)).backing_format)

    def test_what_is_no_complete_header_is_refused(self):
        for data in (b'', b'QFI\xfb', bytes(4096), header(version=2),
                     header()[:80], header(backing=b'x' * 300)[:350]):
            self.assertRaises(ValueError, images.parse_header, data)

    def test_owner_of(self):
        self.assertEqual('ab-1', images.owner_of('volume-ab-1.0012'))
        for name in ('volume-x', 'volume-x.1a', 'other-x.0001',
                     'volume-../x.0001'):
            self.assertIsNone(images.owner_of(name))


class NameTestCase(base.BaseTestCase):

    def test_run_names_have_32_characters(self):
        identity = '9ae411bc-bdfe-4488-9e4c-353a8c58a18c'
        self.assertEqual(identity.replace('-', ''), daemon.stem(identity))
        self.assertEqual(32, len(daemon.stem('any other id')))

    def test_node_names_fit(self):
        self.assertLessEqual(len(daemon.node_name('volume-x.0001')), 31)
        self.assertNotEqual(daemon.node_name('volume-x.0001'),
                            daemon.node_name('volume-x.0002'))
