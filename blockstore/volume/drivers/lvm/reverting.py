"""Going back to a snapshot: LVM merges it into its volume.

That uses the snapshot up, so it is taken again of the volume, whose bytes are
the same until somebody connects.  A tag on the volume tells of it from before
the first step until after the last; whoever finds it does the rest.
"""

from blockstore import exceptions
from blockstore.privileged import lvm
from blockstore.volume.drivers.lvm import report
from blockstore.volume.drivers.lvm.group import Group
from blockstore.volume.drivers.lvm.group import required
from blockstore.volume.drivers.lvm.report import LogicalVolume
from blockstore.volume.drivers.lvm.thick import Thick
from blockstore.volume.drivers.lvm.thin import Thin


def revert(group: Group, layout: Thin | Thick, name: str, snapshot: str,
           snapshot_id: str) -> None:
    """Give a volume that nobody is connected to a snapshot's bytes.

    :param name: the volume's name in the group.
    :param snapshot: the snapshot's.
    """
    there = group.volumes()
    volume = required(there, name, group.name)
    taken = there.get(snapshot)
    if volume.reverting not in (None, snapshot_id):
        _finish(group, layout, volume, there)
    elif taken is None and volume.reverting is None:
        required(there, snapshot, group.name)
    if taken is not None and taken.origin != name:
        raise exceptions.DriverError(f'{snapshot} is no snapshot of {name}')
    tag = f'{report.REVERTING}{snapshot_id}'
    if taken is not None:
        if volume.reverting != snapshot_id:
            group.change(lvm.tag, name, tag)
        group.change(lvm.merge, snapshot)
    layout.snapshot(name, snapshot)
    if group.require(name).size < volume.size:
        group.grow(name, volume.size)
    group.change(lvm.untag, name, tag)


def finish_all(group: Group, layout: Thin | Thick,
               there: dict[str, LogicalVolume]) -> None:
    """Take snapshots again that were used up when somebody was cut off."""
    for volume in there.values():
        if volume.reverting is not None and volume.managed:
            _finish(group, layout, volume, there)


def _finish(group: Group, layout: Thin | Thick, volume: LogicalVolume,
            there: dict[str, LogicalVolume]) -> None:
    snapshot = f'_snapshot-{volume.reverting}'
    if snapshot not in there:
        layout.snapshot(volume.name, snapshot)
    # With the snapshot there, nobody knows whether it was begun: whoever
    # asked for it asks again, or its row tells that it has failed.
    group.change(lvm.untag, volume.name,
                 f'{report.REVERTING}{volume.reverting}')
