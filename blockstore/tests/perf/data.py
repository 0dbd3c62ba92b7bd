"""What volumes are filled with to be measured: pieces at offsets.

>>> for offset, piece in data.noise(2048):
...     volume.write(offset, piece)
"""

from collections.abc import Iterator
import os
import random

MIB = 1024 * 1024
CLUSTER = 64 * 1024
SPARSE_BYTES = 100 * 1024 * MIB
_CHANGED_SHARE = 100
_RUN = 16

Piece = tuple[int, bytes]


def noise(mib: int) -> Iterator[Piece]:
    """Yield random bytes, which no compression makes smaller."""
    for number in range(mib):
        yield number * MIB, os.urandom(MIB)


def mixed(mib: int) -> Iterator[Piece]:
    """Yield runs of 16 MiB: random, text, text, zeros."""
    chance = random.Random(1)
    words = [chance.randbytes(chance.randint(2, 6)).hex()
             for _ in range(4000)]
    for number in range(mib):
        kind = number // _RUN % 4
        if kind == 0:
            yield number * MIB, os.urandom(MIB)
        elif kind == 3:
            yield number * MIB, bytes(MIB)
        else:
            text = ' '.join(chance.choices(words, k=130_000))
            yield number * MIB, text.encode()[:MIB]


def scattered(mib: int = 1024, size: int = SPARSE_BYTES,
              shift: int = 8192) -> Iterator[Piece]:
    """Yield random bytes, 1 MiB at a time, all over a large volume.

    :param size: bytes of the volume.
    :param shift: how far behind a whole MiB each piece begins.
    """
    stride = size // mib // MIB * MIB
    for number in range(mib):
        yield number * stride + shift, os.urandom(MIB)


def changes(mib: int) -> Iterator[Piece]:
    """Yield new bytes for one in a hundred of a volume's clusters."""
    clusters = mib * MIB // CLUSTER
    for number in sorted(random.Random(1).sample(
            range(clusters), clusters // _CHANGED_SHARE)):
        yield number * CLUSTER, os.urandom(CLUSTER)
