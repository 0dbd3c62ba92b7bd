"""Taking over what stands on a back end already, and letting it go again.

What every driver guarantees that declares ``ManagesVolumes`` or
``ManagesSnapshots``:

* **No byte changes.**  An object is renamed or noted, never copied, grown or
  written to; so it may be less than its size in whole GiB says.
* A reference that is refused (ManageExistingInvalidReference) leaves every
  object under the name that it had.
* What is no snapshot of that volume is refused as that, even if another row
  has it; only what would fit is *already managed*.  A driver that sees
  nothing but names may leave that to the manager, which looks for rows that
  have the names made from their ids.
* A call may come again after it was cut off.  An object that is the row's
  own already is found whatever the reference says: ``…_get_size`` answers its
  size, ``manage_existing…`` and ``unmanage…`` succeed.
* What was let go is no longer this driver's (``list_objects`` leaves it out)
  and can be taken over again, also by another installation.

A reference is what the administrator gave: a string, which is a
``source-name``, or an object with that key and others that the driver knows.

>>> source_name('lv-of-old'), source_name({'source-name': 'lv-of-old'})
('lv-of-old', 'lv-of-old')
"""

from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Mapping
from collections.abc import Sequence
import json
import typing

from blockstore import exceptions
from blockstore.volume.drivers import shapes

Reference = str | Mapping[str, typing.Any] | None
SORT_KEYS = ('reference', 'size')


class Manageable(typing.TypedDict, total=False):
    """One line of a list; the keys are those of the API.

    ``size`` is in GiB, rounded up.  ``cinder_id`` is the id of the row that
    has it, and only snapshots have a ``source_reference``, their parent's.
    """

    reference: typing.Required[dict[str, typing.Any]]
    size: typing.Required[int]
    safe_to_manage: typing.Required[bool]
    reason_not_safe: str | None
    cinder_id: str | None
    extra_info: str | None
    source_reference: dict[str, typing.Any]


class Manageables:
    """The methods as every driver has them: nothing is taken over or found.

    A driver that declares the capability overrides them; the listing may be
    left as it is.
    """

    host: str

    # Volumes: declare ManagesVolumes.

    def manage_existing(self, volume: shapes.Volume, existing_ref: Reference,
                        ) -> shapes.Updates | None:
        """Take an object over as a volume; return row updates.

        :raises ManageExistingInvalidReference: there is no such object, or
            it cannot be a volume.
        :raises ManageExistingAlreadyManaged: another row has it.
        """
        raise self._lacking('ManagesVolumes')

    def manage_existing_get_size(self, volume: shapes.Volume,
                                 existing_ref: Reference) -> int:
        """Return an object's size in GiB, rounded up; changes nothing.

        Raises whatever ``manage_existing`` would raise for the reference:
        that is how a dry run tells it.
        """
        raise self._lacking('ManagesVolumes')

    def unmanage(self, volume: shapes.Volume) -> None:
        """Let a volume go; its bytes stay.  Gone is success."""
        raise self._lacking('ManagesVolumes')

    def get_manageable_volumes(self, cinder_volumes: Sequence[shapes.Volume],
                               marker: Mapping[str, typing.Any] | None,
                               limit: int | None, offset: int,
                               sort_keys: Sequence[str],
                               sort_dirs: Sequence[str],
                               ) -> Sequence[Manageable]:
        """List what could be taken over, and what is managed already.

        :param cinder_volumes: all volumes that have rows on this back end.
        :param marker: the ``reference`` of the last entry that was seen.
        :param sort_keys: ``reference``, ``size``; :func:`page` does all this.
        """
        return []

    # Snapshots: declare ManagesSnapshots.

    def manage_existing_snapshot(self, snapshot: shapes.Snapshot,
                                 existing_ref: Reference,
                                 ) -> shapes.Updates | None:
        """Take an object over as a snapshot of ``snapshot.volume_name``.

        :raises ManageExistingInvalidReference: there is no such object, or
            it is not a snapshot of that volume: another volume's, a volume,
            or an independent copy (R-008 to R-010).
        :raises ManageExistingAlreadyManaged: another row has it.
        """
        raise self._lacking('ManagesSnapshots')

    def manage_existing_snapshot_get_size(self, snapshot: shapes.Snapshot,
                                          existing_ref: Reference) -> int:
        """Return a snapshot's size in GiB, rounded up; changes nothing.

        Raises whatever ``manage_existing_snapshot`` would raise.
        """
        raise self._lacking('ManagesSnapshots')

    def unmanage_snapshot(self, snapshot: shapes.Snapshot) -> None:
        """Let a snapshot go; its bytes stay.  Gone is success."""
        raise self._lacking('ManagesSnapshots')

    def get_manageable_snapshots(self,
                                 cinder_snapshots: Sequence[shapes.Snapshot],
                                 marker: Mapping[str, typing.Any] | None,
                                 limit: int | None, offset: int,
                                 sort_keys: Sequence[str],
                                 sort_dirs: Sequence[str],
                                 ) -> Sequence[Manageable]:
        """List what could be taken over, and what is managed already.

        :param cinder_snapshots: all snapshots that have rows on this back
            end; the rest as for volumes.
        """
        return []

    def _lacking(self, capability: str) -> exceptions.Unsupported:
        return exceptions.Unsupported(
            f'the driver of {self.host} does not declare {capability}',
            remedy='use a back end that has it: GET /capabilities lists them')


def source_name(existing_ref: Reference) -> str:
    """Return the name that a reference gives.

    :raises ManageExistingInvalidReference: it gives none.
    """
    name = (existing_ref if isinstance(existing_ref, str)
            else (existing_ref or {}).get('source-name'))
    if not isinstance(name, str) or not name:
        raise exceptions.ManageExistingInvalidReference(
            existing_ref=existing_ref,
            reason='it must be a name, or have a source-name')
    return name


def page(entries: Iterable[Manageable],
         marker: Mapping[str, typing.Any] | None, limit: int | None,
         offset: int, sort_keys: Sequence[str], sort_dirs: Sequence[str],
         ) -> list[Manageable]:
    """Sort entries and cut the page out that was asked for.

    Those that are the same in all keys stand in the order of their
    references.

    :raises Invalid: no entry has the marker's reference.
    """
    found = sorted(entries, key=_KEYS['reference'])
    wanted = list(zip(sort_keys, sort_dirs, strict=True))
    for key, direction in reversed(wanted):
        found.sort(key=_KEYS[key], reverse=direction == 'desc')
    if marker is not None:
        places = [number for number, entry in enumerate(found)
                  if entry['reference'] == marker]
        if not places:
            raise exceptions.Invalid(
                f'there is no entry {json.dumps(marker)}',
                remedy='use the reference of an entry as marker')
        found = found[places[0] + 1:]
    found = found[offset:]
    return found if limit is None else found[:limit]


_KEYS: dict[str, Callable[[Manageable], typing.Any]] = {
    'reference': lambda entry: json.dumps(entry['reference'], sort_keys=True),
    'size': lambda entry: entry['size'],
}
