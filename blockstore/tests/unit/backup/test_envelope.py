"""Envelopes: what goes in comes out, and nothing else does."""

import os
from unittest import mock

from oslotest import base
import zstandard

from blockstore import exceptions
from blockstore.backup.store import envelope

LIMIT = 4 * 1024 * 1024


def join(parts):
    """Return an object's bytes."""
    return b''.join(parts)


class EnvelopeTest(base.BaseTestCase):

    def test_round_trip(self):
        for plain in (b'', b'x', b'text ' * 1000, os.urandom(5000),
                      bytes(LIMIT), os.urandom(LIMIT)):
            for level in (0, 1, 3):
                data = join(envelope.seal(envelope.CHUNK, plain, level))
                self.assertEqual(plain, bytes(envelope.unseal(
                    envelope.CHUNK, data, LIMIT)))

    def test_raw_if_not_smaller(self):
        for length in (10, 3000, LIMIT):
            data = join(envelope.seal(
                envelope.CHUNK, os.urandom(length), 3))
            found = envelope.split(envelope.CHUNK, data)
            self.assertEqual(envelope.RAW, found.codec)
            self.assertEqual(envelope.HEADER_LENGTH + length, len(data))

    def test_compressed_if_smaller(self):
        for plain in (b'text ' * 1000,
                      os.urandom(LIMIT // 2) + bytes(LIMIT // 2)):
            data = join(envelope.seal(envelope.CHUNK, plain, 1))
            self.assertEqual(envelope.ZSTD, envelope.split(
                envelope.CHUNK, data).codec)
            self.assertLess(len(data), len(plain) * 0.6)

    def test_every_flipped_bit_is_found(self):
        data = join(envelope.seal(envelope.CHUNK, b'some text' * 9, 1))
        for position in range(len(data) * 8):
            broken = bytearray(data)
            broken[position // 8] ^= 1 << position % 8
            self.assertRaises(exceptions.StoreError, envelope.unseal,
                              envelope.CHUNK, bytes(broken), LIMIT)

    def test_every_cut_is_found(self):
        data = join(envelope.seal(envelope.CHUNK, b'some text' * 9, 1))
        for length in range(len(data)):
            self.assertRaises(exceptions.StoreObjectDamaged, envelope.unseal,
                              envelope.CHUNK, data[:length], LIMIT)

    def test_another_kind_of_object(self):
        data = join(envelope.seal(envelope.SEGMENT, b'x'))
        self.assertRaises(exceptions.StoreObjectDamaged, envelope.unseal,
                          envelope.CHUNK, data, LIMIT)

    def test_more_than_a_chunk(self):
        data = join(envelope.seal(envelope.CHUNK, bytes(5000), 1))
        self.assertRaises(exceptions.StoreObjectDamaged, envelope.unseal,
                          envelope.CHUNK, data, 4999)

    def test_a_frame_that_grows_beyond_what_is_told(self):
        bomb = zstandard.ZstdCompressor().compress(bytes(LIMIT))
        fields = envelope._FIELDS.pack(
            envelope.CHUNK, 1, envelope.ZSTD, 0, 100, len(bomb))
        data = fields + envelope._checksum(fields, bomb) + bomb
        with mock.patch.object(envelope, '_decompressor',
                               autospec=True) as decompressor:
            self.assertRaises(exceptions.StoreObjectDamaged, envelope.unseal,
                              envelope.CHUNK, data, LIMIT)
        decompressor.assert_not_called()
