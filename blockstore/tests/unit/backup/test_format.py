"""The test vectors of the format document, replayed.

``vectors.json`` was made from the document alone, without this code.
"""

import json
import os

from oslotest import base

from blockstore.backup.store import chunks
from blockstore.backup.store import envelope
from blockstore.backup.store import journal
from blockstore.backup.store import keys
from blockstore.backup.store import layout
from blockstore.backup.store import manifest
from blockstore.backup.store import names
from blockstore.backup.store import recorder
from blockstore.backup.stores import memory

_PATH = os.path.join(os.path.dirname(__file__), 'vectors.json')


class FormatTest(base.BaseTestCase):

    def setUp(self):
        super().setUp()
        with open(_PATH, encoding='utf-8') as file:
            self.vectors = json.load(file)
        self.layout = layout.Layout(
            'store', self.vectors['chunk_size'],
            self.vectors['segment_entries'],
            keys.Keys(bytes.fromhex(self.vectors['store_key'])))
        self.backend = memory.MemoryStore()
        self.store = chunks.ChunkStore(self.backend, self.layout, 0)

    def hold(self, name, text):
        """Put what a vector says into the store."""
        self.backend.put(name, [bytes.fromhex(text)])

    def test_keys(self):
        wanted = self.vectors['keys']
        found = self.layout.keys
        self.assertEqual(
            [wanted['chunk name'], wanted['segment name'],
             wanted['image digest'], wanted['manifest seal'],
             wanted['journal seal'], wanted['key id'][:32]],
            [found.chunk_name.raw.hex(), found.segment_name.raw.hex(),
             found.image_digest.raw.hex(), found.manifest_seal.raw.hex(),
             found.journal_seal.raw.hex(), found.key_id])

    def test_chunks(self):
        for vector in self.vectors['chunks']:
            plain = bytes.fromhex(vector['plain'])
            digest = self.store.hash(plain)
            self.assertEqual(vector['name'], digest.hex())
            self.store.put(digest, plain)
            self.assertEqual(vector['raw_object'],
                             self.backend.get(names.chunk(digest)).hex())

    def test_compressed_chunk(self):
        vector = self.vectors['chunks'][0]
        digest = bytes.fromhex(vector['name'])
        self.hold(names.chunk(digest), vector['zstd_object'])
        self.assertEqual(vector['plain'],
                         bytes(self.store.get(digest)).hex())

    def test_segments(self):
        for vector in self.vectors['segments']:
            entries = bytes.fromhex(vector['entries'])
            digest, _ = self.store.put_segment(entries)
            self.assertEqual(vector['name'], digest.hex())
            self.assertEqual(entries, self.store.get_segment(digest))

    def test_raw_segment(self):
        vector = self.vectors['segments'][1]
        digest = bytes.fromhex(vector['name'])
        self.hold(names.segment(digest), vector['raw_object'])
        self.assertEqual(vector['entries'],
                         self.store.get_segment(digest).hex())

    def test_image_digest(self):
        image = self.vectors['image']
        digest = recorder.Digest(self.layout, image['size'])
        digest.add(bytes.fromhex(image['entries']))
        self.assertEqual(image['digest'], digest.hexdigest())

    def test_manifest(self):
        vector = self.vectors['manifest']
        self.hold(vector['object_name'], vector['object'])
        record = manifest.read(self.backend, vector['object_name'],
                               self.layout)
        self.assertEqual(vector['segments'], record.segments.hex())
        self.assertEqual((6, 3, 3, 5), (
            record.chunks, record.data_chunks, record.zero_chunks,
            record.object_count))
        self.assertEqual('täglich', record.header.container)
        self.assertEqual(
            vector['object'],
            b''.join(manifest.encode(record, self.layout)).hex())

    def test_journal(self):
        vector = self.vectors['journal']
        self.hold(vector['start_name'], vector['start_object'])
        backup_id = self.vectors['manifest']['fields']['backup_id']
        log = journal.Journal(self.backend, self.layout, backup_id)
        start = log.start()
        self.assertEqual(self.vectors['image']['size'], start.size)
        log.begin(start)
        log.add(vector['first'], bytes.fromhex(vector['entries']))
        self.assertEqual(
            vector['entries_object'],
            self.backend.get(vector['entries_name']).hex())

    def test_reserved_codecs_are_refused(self):
        vector = bytearray.fromhex(self.vectors['chunks'][1]['raw_object'])
        vector[5] = 2
        parts = envelope.seal(envelope.CHUNK, b'x')
        self.assertEqual(24, len(parts[0]))
        self.assertRaises(envelope.exceptions.StoreError, envelope.unseal,
                          envelope.CHUNK, bytes(vector), 4096)
