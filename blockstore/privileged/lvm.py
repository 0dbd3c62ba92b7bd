"""LVM's own programs: asking for reports and changing one volume group.

Sizes are bytes.  ``group``, ``pool``, ``name`` are names, not paths.
"""

from collections.abc import Sequence
import os
import re

from blockstore import privileged
from blockstore.privileged import commands

#: Seconds that merging a snapshot into its volume may take: it copies.
_MERGE_DEADLINE = 24 * 3600.0
# All mappings of a large volume in small pieces are gigabytes to look at.
_MAPPINGS_DEADLINE = 3600.0
_VOLUME_FIELDS = ('lv_name,lv_size,lv_layout,lv_active,lv_device_open,'
                  'lv_tags,pool_lv,origin,origin_size,thin_id,data_percent,'
                  'metadata_percent,zero')
_GROUP_FIELDS = 'vg_name,vg_size,vg_free,vg_extent_size'
_LARGE_ENOUGH = re.compile('matches existing size|not larger')
_REPORT = ('--reportformat', 'json', '--units', 'b', '--nosuffix')


def _full(group: str, name: str) -> str:
    return f'{commands.name(group)}/{commands.name(name)}'


def device(group: str, name: str) -> str:
    """Return the path of an active logical volume.

    :raises OSError: it is not there.
    :raises ValueError: the path leads to something else.
    """
    path = f'/dev/{_full(group, name)}'
    number = os.stat(path).st_rdev
    entry = f'/sys/dev/block/{os.major(number)}:{os.minor(number)}/dm/uuid'
    try:
        with open(entry, encoding='ascii') as source:
            is_ours = source.read().startswith('LVM-')
    except FileNotFoundError:
        is_ours = False
    if not is_ours:
        raise ValueError(f'{path} is no logical volume')
    return path


def _change(program: str, *words: str,
            deadline: float = commands.DEADLINE) -> None:
    commands.run([program, '-qq', '--yes', *words], deadline)


def _tags(tags: Sequence[str]) -> list[str]:
    return [word for tag in tags
            for word in ('--addtag', commands.name(tag))]


# Reports.

@privileged.root.entrypoint
def report_volumes(group: str) -> str:
    """Return a JSON report of the logical volumes of a group."""
    return commands.run(['lvs', *_REPORT, '-o', _VOLUME_FIELDS,
                         commands.name(group)])


@privileged.root.entrypoint
def report_group(group: str) -> str:
    """Return a JSON report of a group."""
    return commands.run(['vgs', *_REPORT, '-o', _GROUP_FIELDS,
                         commands.name(group)])


# Making.

@privileged.root.entrypoint
def create_pool(group: str, pool: str, size: int | None) -> None:
    """Make a thin pool whose new blocks are zeroed.

    :param size: None: nearly all that is free, so that its metadata can
        grow.
    """
    room = (['-l', '95%FREE'] if size is None else ['-L', f'{size}b'])
    _change('lvcreate', '--type', 'thin-pool', *room, '--zero', 'y',
            '-n', commands.name(pool), commands.name(group))


@privileged.root.entrypoint
def create_thin(group: str, pool: str, name: str, size: int,
                tags: Sequence[str]) -> None:
    """Make a thin volume; it is active and reads as zeros."""
    _change('lvcreate', '--type', 'thin', '-V', f'{size}b', *_tags(tags),
            '-n', commands.name(name), '--thinpool', commands.name(pool),
            commands.name(group))


@privileged.root.entrypoint
def create_thick(group: str, name: str, size: int, tags: Sequence[str],
                 ) -> None:
    """Make a volume with all its space; it holds what was there before."""
    _change('lvcreate', '--type', 'linear', '-L', f'{size}b',
            '--wipesignatures', 'n', '--zero', 'n', *_tags(tags),
            '-n', commands.name(name), commands.name(group))


@privileged.root.entrypoint
def snapshot_thin(group: str, origin: str, name: str, tags: Sequence[str],
                  active: bool) -> None:
    """Make a thin snapshot.

    :param active: give it a device now, and at each start of the host.
    """
    _change('lvcreate', '--snapshot', '--setactivationskip',
            'n' if active else 'y', *_tags(tags),
            '-n', commands.name(name), _full(group, origin))


@privileged.root.entrypoint
def snapshot_thick(group: str, origin: str, name: str, tags: Sequence[str],
                   ) -> None:
    """Make a copy-on-write snapshot that can hold the whole volume."""
    _change('lvcreate', '--snapshot', '--extents', '100%ORIGIN',
            *_tags(tags), '-n', commands.name(name), _full(group, origin))


# Changing.

@privileged.root.entrypoint
def remove(group: str, name: str) -> None:
    """Remove a volume or snapshot, with the snapshots that need it."""
    _change('lvremove', '--force', _full(group, name))


@privileged.root.entrypoint
def extend(group: str, name: str, size: int) -> None:
    """Grow a volume to a size."""
    _change('lvextend', '-L', f'{size}b', _full(group, name))


@privileged.root.entrypoint
def extend_snapshot(group: str, name: str) -> None:
    """Let a copy-on-write snapshot hold all of its volume, which has grown.

    That it can do so already is success.
    """
    try:
        _change('lvextend', '--extents', '100%ORIGIN', _full(group, name))
    except commands.CommandFailed as error:
        if not _LARGE_ENOUGH.search(error.stderr):
            raise


@privileged.root.entrypoint
def activate(group: str, name: str) -> None:
    """Let a volume or snapshot have a device."""
    _change('lvchange', '--activate', 'y', '--ignoreactivationskip',
            _full(group, name))


@privileged.root.entrypoint
def deactivate(group: str, name: str) -> None:
    """Take its device away."""
    _change('lvchange', '--activate', 'n', _full(group, name))


@privileged.root.entrypoint
def rename(group: str, name: str, new: str) -> None:
    """Give a volume or snapshot another name."""
    _change('lvrename', commands.name(group), commands.name(name),
            commands.name(new))


@privileged.root.entrypoint
def tag(group: str, name: str, tag: str) -> None:
    """Put a tag on a volume or snapshot."""
    _change('lvchange', '--addtag', commands.name(tag), _full(group, name))


@privileged.root.entrypoint
def untag(group: str, name: str, tag: str) -> None:
    """Take a tag off."""
    _change('lvchange', '--deltag', commands.name(tag), _full(group, name))


@privileged.root.entrypoint
def merge(group: str, name: str) -> None:
    """Give a volume the bytes of its snapshot, which is gone afterwards."""
    _change('lvconvert', '--merge', '--interval', '1', _full(group, name),
            deadline=_MERGE_DEADLINE)


# What thin pools know of their volumes.

def _metadata(group: str, pool: str) -> str:
    parts = (commands.name(group), f'{commands.name(pool)}_tmeta')
    return '/dev/mapper/' + '-'.join(
        part.replace('-', '--') for part in parts)


@privileged.root.entrypoint
def thin_mappings(group: str, pool: str, thin_id: int) -> str:
    """Return, as XML, which blocks of a thin volume are mapped.

    The pool must keep a metadata snapshot, see ``mapper``.
    """
    return commands.run(['thin_dump', '--metadata-snap', '--dev-id',
                         str(int(thin_id)), _metadata(group, pool)],
                        _MAPPINGS_DEADLINE)


@privileged.root.entrypoint
def thin_delta(group: str, pool: str, older: int, newer: int) -> str:
    """Return, as XML, in which blocks two thin volumes differ."""
    return commands.run(['thin_delta', '--metadata-snap', '--thin1',
                         str(int(older)), '--thin2', str(int(newer)),
                         _metadata(group, pool)], _MAPPINGS_DEADLINE)
