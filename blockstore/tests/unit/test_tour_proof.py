"""The tour's proof says yes to a state of the log, and to nothing else."""

import random

from oslotest import base

from blockstore.tour import proof

BLOCKS = 32


class Image:
    """The bytes of a volume, as a connection shows them."""

    def __init__(self):
        self.data = bytearray(BLOCKS * proof.BLOCK)

    @property
    def size(self):
        return len(self.data)

    def read_many(self, requests):
        for offset, buffer in requests:
            buffer[:] = self.data[offset:offset + len(buffer)]
            yield offset, buffer

    def apply(self, number, entry):
        for block in range(entry.block, entry.block + entry.blocks):
            self.put(block, bytes(proof.BLOCK) if entry.zero
                     else proof.content(number, block))

    def put(self, block, data):
        start = block * proof.BLOCK
        self.data[start:start + len(data)] = data


class ProofTest(base.BaseTestCase):
    """A log of 200 writes, and images of its moments."""

    def setUp(self):
        super().setUp()
        dice = random.Random(7)
        self.log = [proof.Entry(dice.random() < 0.2,
                                dice.randrange(BLOCKS - 4),
                                dice.choice((1, 1, 4)))
                    for _ in range(200)]

    def image(self, numbers):
        image = Image()
        for number in numbers:
            image.apply(number, self.log[number])
        return image

    def compare(self, image):
        return proof.compare(self.log, proof.stamps(image))

    def test_every_moment_is_found(self):
        for moment in range(len(self.log) + 1):
            found = self.compare(self.image(range(moment)))
            self.assertIn(moment, found.moments)
            self.assertTrue(found.within(moment, moment))

    def test_other_moments_are_not(self):
        # A write of data makes a state that never was before.
        moment = next(number + 1 for number in range(100, 200)
                      if not self.log[number].zero)
        found = self.compare(self.image(range(moment)))
        self.assertEqual(moment, found.moments[0])
        self.assertFalse(found.within(0, moment - 1))

    def test_a_lost_write_is_seen(self):
        last = {}
        for number, entry in enumerate(self.log):
            for block in range(entry.block, entry.block + entry.blocks):
                last[block] = number
        lost = min(number for number in last.values()
                   if not self.log[number].zero)
        kept = [number for number in range(200) if number != lost]
        self.assertEqual((), self.compare(self.image(kept)).moments)

    def test_a_write_from_later_is_seen(self):
        image = self.image(range(100))
        late = next(number for number in range(150, 200)
                    if not self.log[number].zero)
        image.apply(late, self.log[late])
        self.assertEqual((), self.compare(image).moments)

    def test_a_torn_block_is_seen(self):
        image = self.image(range(200))
        block = min(proof.stamps(image))
        image.data[block * proof.BLOCK + proof.BLOCK - 1] ^= 1
        self.assertRaises(proof.Torn, proof.stamps, image)

    def test_a_block_in_a_wrong_place_is_seen(self):
        image = self.image(range(200))
        image.put(BLOCKS - 1, proof.content(3, 5))
        self.assertRaises(proof.Torn, proof.stamps, image)

    def test_a_log_is_read_up_to_its_last_whole_entry(self):
        path = self.create_tempfiles([('log', '')], ext='')[0]
        with open(path, 'wb') as file:
            file.write(b''.join(entry.pack() for entry in self.log)[:-1])
        self.assertEqual(self.log[:-1], proof.entries(path))
        self.assertEqual(199, proof.count(path))
