"""What LVM reports of itself, as JSON."""

import dataclasses
import json
import typing

#: On everything that belongs to this driver.
MANAGED = 'blockstore.managed'
#: On volumes that were made of others: they are no snapshots of those.
COPY = 'blockstore.copy'
#: On thick volumes whose bytes are not there yet.
UNFINISHED = 'blockstore.unfinished'
#: Begin of the names of snapshots that clones are copied from.
MOMENT = '_moment-'
#: On a volume that goes back to the snapshot whose id follows.
REVERTING = 'blockstore.reverting:'


@dataclasses.dataclass(frozen=True)
class LogicalVolume:
    """One logical volume, snapshot or pool; sizes are bytes."""

    name: str
    size: int
    layout: frozenset[str] = frozenset()
    tags: frozenset[str] = frozenset()
    pool: str = ''
    origin: str = ''
    thin_id: int | None = None
    data_percent: float = 0.0
    metadata_percent: float = 0.0
    zeroes: bool = False
    open: bool = False

    @property
    def managed(self) -> bool:
        """Whether it belongs to this driver, of whatever installation."""
        return MANAGED in self.tags

    @property
    def is_pool(self) -> bool:
        """Whether it is a thin pool, and not a volume in one."""
        return 'pool' in self.layout

    @property
    def is_snapshot(self) -> bool:
        """Whether it holds an earlier moment of its origin.

        A thin volume that was copied has an origin, too; other installations
        tell it by the name alone.
        """
        return (bool(self.origin) and COPY not in self.tags
                and not self.name.startswith('volume-'))

    @property
    def is_moment(self) -> bool:
        """Whether a clone is being copied from it, see ``thick``."""
        return self.name.startswith(MOMENT)

    @property
    def reverting(self) -> str | None:
        """The id of the snapshot that it is going back to."""
        for tag in self.tags:
            if tag.startswith(REVERTING):
                return tag[len(REVERTING):]
        return None


@dataclasses.dataclass(frozen=True)
class VolumeGroup:
    """A volume group; sizes are bytes."""

    name: str
    size: int
    free: int


def parse_volumes(text: str) -> dict[str, LogicalVolume]:
    """Return the logical volumes of a report by name."""
    found = {}
    for row in _rows(text, 'lv'):
        found[row['lv_name']] = LogicalVolume(
            name=row['lv_name'],
            size=_integer(_size(row)),
            layout=_words(row.get('lv_layout', '')),
            tags=_words(row.get('lv_tags', '')),
            pool=row.get('pool_lv', ''),
            origin=row.get('origin', ''),
            thin_id=(_integer(row['thin_id']) if row.get('thin_id')
                     else None),
            data_percent=float(row.get('data_percent') or 0),
            metadata_percent=float(row.get('metadata_percent') or 0),
            zeroes=row.get('zero') == 'zero',
            open=row.get('lv_device_open') == 'open')
    return found


def parse_group(text: str) -> VolumeGroup:
    """Return the volume group of a report; there is one."""
    row, = _rows(text, 'vg')
    return VolumeGroup(name=row['vg_name'], size=_integer(row['vg_size']),
                       free=_integer(row['vg_free']))


def _rows(text: str, kind: str) -> list[dict[str, typing.Any]]:
    return [row for part in json.loads(text)['report']
            for row in part.get(kind, ())]


def _size(row: dict[str, str]) -> str:
    """Return how long something is for who reads it.

    The size of a snapshot that is not thin is that of what it has kept.
    """
    if row.get('origin') and not row.get('pool_lv'):
        return row['origin_size']
    return row['lv_size']


def _words(text: str) -> frozenset[str]:
    return frozenset(word for word in text.split(',') if word)


def _integer(text: str) -> int:
    return int(text.removesuffix('B'))
