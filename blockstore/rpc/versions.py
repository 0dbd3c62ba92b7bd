"""The versions of the RPC APIs and of the objects that cross them.

``MAJOR.MINOR``: a server of 1.3 serves messages of 1.0 to 1.3.  The history
of each API stands with its client (:mod:`blockstore.rpc.volume` …); what each
method needs, in :mod:`blockstore.rpc.methods`.

>>> lowest(['1.1', None])
'1.0'
"""

from collections.abc import Iterable

#: What this release speaks, by the name of the service.
RPC = {'volume': '1.3', 'scheduler': '1.1', 'backup': '1.1'}

#: Counts the changes of the shapes in :mod:`blockstore.objects`:
#: 1.0 - VolumeInfo, SnapshotInfo, BackupInfo, OperationInfo, PoolInfo,
#: CapacityInfo and VersionsInfo, each 1.0
#: 1.1 - AttachmentInfo 1.0; VolumeInfo 1.1
OBJECTS = '1.1'

#: Which version of which object a receiver of some shapes knows, for those
#: objects that have grown since the first.
SHAPES = {'1.0': {'VolumeInfo': '1.0'}, '1.1': {}}

#: What a service speaks that does not say: releases before 1.1.
FIRST = '1.0'


def parse(version: str) -> tuple[int, int]:
    """Make a version comparable."""
    major, _, minor = version.partition('.')
    return int(major), int(minor)


def lowest(versions: Iterable[str | None]) -> str | None:
    """Return the lowest of some versions (None is the first); None of none.
    """
    found = [version or FIRST for version in versions]
    return min(found, key=parse) if found else None
