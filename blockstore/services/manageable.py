"""Manage and unmanage: what may be asked for (R-001…R-029c).

A row with a status of its own and the operation are written in one
transaction; the scheduler checks the place, the volume service takes over.
Asked to try only, the same is checked, the back end is looked at, and nothing
is written.

>>> manageables.manage_snapshot(context, SnapshotSpec(volume_id, 'old-name'))
>>> manageables.try_snapshot(context, SnapshotSpec(volume_id, 'old-name'))
Trial(size=1, error=None, demands={'snapshots': …})
"""

from collections.abc import Mapping
import dataclasses
import typing

from oslo_utils import uuidutils

from blockstore import errors
from blockstore import exceptions
from blockstore.context import RequestContext
from blockstore.db import models
from blockstore.db import rows
from blockstore.db import services as db_services
from blockstore.db import snapshots as db_snapshots
from blockstore.db import types as db_types
from blockstore.db import volumes as db_volumes
from blockstore.db.engine import Transaction
from blockstore.lifecycle import quotas
from blockstore.lifecycle import transitions
from blockstore.lifecycle import volumes as lifecycle
from blockstore.lifecycle.snapshots import DELETABLE
from blockstore.lifecycle.snapshots import SNAPSHOTS
from blockstore.lifecycle.snapshots import SnapshotStatus
from blockstore.lifecycle.volumes import VolumeStatus
from blockstore.services import base
from blockstore.services import removals
from blockstore.services import snapshots
from blockstore.services import types
from blockstore.services import zones

Reference = str | Mapping[str, typing.Any] | None
VOLUMES, SNAPSHOTS_ABILITY = 'manages_volumes', 'manages_snapshots'


@dataclasses.dataclass(frozen=True)
class VolumeSpec:
    """What shall be taken over as a volume.

    :param host: ``host@backend`` or ``host@backend#pool``.
    :param reference: what stands there; see the driver's page.
    """

    host: str
    reference: Reference
    name: str | None = None
    description: str | None = None
    volume_type: str | None = None
    availability_zone: str | None = None
    bootable: bool = False
    metadata: Mapping[str, str] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True)
class SnapshotSpec:
    """What shall be taken over as a snapshot.

    :param host: checked against the volume's, at its own level; None: any.
    """

    volume_id: str
    reference: Reference
    host: str | None = None
    name: str | None = None
    description: str | None = None
    metadata: Mapping[str, str] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True)
class Trial:
    """What taking over would come to.

    :param size: in GiB; None if that cannot be told.
    :param errors: what stands against it.
    :param demands: what is asked of the quota, by the resource's name.
    """

    size: int | None
    errors: tuple[exceptions.BlockstoreError, ...]
    demands: Mapping[str, quotas.Demand]


@dataclasses.dataclass(frozen=True)
class Page:
    """Which part of a list is wanted."""

    marker: Mapping[str, typing.Any] | None = None
    limit: int | None = None
    offset: int = 0
    sort_keys: tuple[str, ...] = ('reference',)
    sort_dirs: tuple[str, ...] = ('desc',)


class Manageables(base.UseCases):
    """The use cases of what stands on back ends."""

    # Lists.

    def list(self, context: RequestContext, noun: str, host: str, page: Page,
             ) -> list[dict[str, typing.Any]]:
        """Return the ``volumes`` or ``snapshots`` that stand on a back end.

        Nothing if its driver cannot tell.

        :raises NotFound: there is no such back end.
        """
        with self.database.read() as tx:
            service = self._running(tx, host)
        if f'manages_{noun}' not in _abilities(service):
            return []
        try:
            return self.clients.volume.get_manageable(
                context, service.host, noun, marker=page.marker,
                limit=page.limit, offset=page.offset,
                sort_keys=list(page.sort_keys),
                sort_dirs=list(page.sort_dirs))
        except exceptions.Unsupported:
            return []
        except exceptions.DriverError as error:
            raise exceptions.Unavailable(
                f'{service.host} could not list its {noun}: {error.message}',
                code=error.code, remedy='see the log of the volume service',
                ) from error

    # Volumes.

    def manage_volume(self, context: RequestContext, spec: VolumeSpec,
                      ) -> typing.Any:
        """Ask for a volume to be taken over; return it, ``managing``."""
        id_ = uuidutils.generate_uuid()
        with self.database.write() as tx:
            type_id, _ = self._check_volume(tx, context, spec)
            specs = db_types.extra_specs(tx, type_id) if type_id else {}
            project_id = base.project_of(context)
            self.admit(tx, project_id)
            quotas.reserve(tx, self.conf, project_id, volumes=1,
                           volume_type_id=type_id)
            rows.insert(
                tx, models.Volume, id=id_, project_id=project_id,
                user_id=context.user_id, display_name=spec.name,
                display_description=spec.description, size=0,
                status=VolumeStatus.MANAGING, volume_type_id=type_id,
                availability_zone=spec.availability_zone, host=spec.host,
                bootable=spec.bootable,
                multiattach=specs.get('multiattach') == '<is> True')
            rows.set_metadata(tx, models.VolumeMetadata, id_, spec.metadata)
            self._launch(tx, context, 'volume.manage', id_, project_id,
                         spec.reference)
            return db_volumes.detail(tx, context, id_)

    def try_volume(self, context: RequestContext, spec: VolumeSpec) -> Trial:
        """Tell what ``manage_volume`` would come to."""
        with self.database.read() as tx:
            type_id, service = self._check_volume(tx, context, spec)
        size, found = _measured(lambda: self.clients.volume.measure_volume(
            context, service.host, spec.reference))
        return self._trial(base.project_of(context), size, found, type_id,
                           volume_size=size, volumes=1)

    def _check_volume(self, tx: Transaction, context: RequestContext,
                      spec: VolumeSpec) -> tuple[str | None, models.Service]:
        try:
            service = self._running(tx, spec.host)
            row = types.resolve(tx, self.conf, context, spec.volume_type)
        except exceptions.NotFound as error:
            raise exceptions.Invalid(
                error.message, remedy='name a back end and a volume type '
                'that there are') from error
        _require(service, VOLUMES)
        if spec.availability_zone is not None:
            zones.check(tx, spec.availability_zone)
            zones.check_same(spec.availability_zone,
                             service.availability_zone, spec.host)
        return (row.id if row else None), service

    def unmanage_volume(self, context: RequestContext, id_: str) -> None:
        """Ask for a volume to be let go; its bytes stay (R-002)."""
        with self.database.write() as tx:
            volume = base.require(tx, context, models.Volume, 'volume', id_,
                                  lock=True)
            removals.check_unused(tx, volume)
            removals.check_no_snapshots(
                tx, volume, remedy='unmanage or delete the snapshots first')
            host = base.owner(volume)
            self._require_if_known(tx, volume, VOLUMES)
            if volume.encryption_key_id is not None:
                raise exceptions.Invalid(
                    f'volume {id_} is encrypted and cannot be unmanaged',
                    remedy='nobody could read it without its key')
            self.admit(tx, volume.project_id)
            transitions.move(
                tx, lifecycle.VOLUMES, models.Volume, id_,
                VolumeStatus.UNMANAGING,
                db_volumes.without_live_attachments(),
                db_volumes.not_backed_up(), sources=lifecycle.UNMANAGEABLE,
                reason='asked to be let go')
            self.clients.launch(
                tx, context, 'volume.unmanage', id_, topic='volume',
                host=host, project_id=volume.project_id,
                arguments={'old_status': volume.status})

    # Snapshots.

    def manage_snapshot(self, context: RequestContext, spec: SnapshotSpec,
                        ) -> typing.Any:
        """Ask for a snapshot to be taken over; return it, ``managing``."""
        id_ = uuidutils.generate_uuid()
        with self.database.write() as tx:
            volume = self._check_snapshot(tx, context, spec, lock=True)
            self.admit(tx, volume.project_id)
            quotas.reserve(
                tx, self.conf, volume.project_id, snapshots=1,
                gigabytes=volume.size, volume_type_id=volume.volume_type_id)
            snapshots.insert(
                tx, context, id_, volume, name=spec.name,
                description=spec.description, metadata=spec.metadata,
                status=SnapshotStatus.MANAGING)
            self._launch(tx, context, 'snapshot.manage', id_,
                         volume.project_id, spec.reference)
            return db_snapshots.detail(tx, context, id_)

    def try_snapshot(self, context: RequestContext, spec: SnapshotSpec,
                     ) -> Trial:
        """Tell what ``manage_snapshot`` would come to."""
        with self.database.read() as tx:
            volume = self._check_snapshot(tx, context, spec)
        size, found = _measured(lambda: self.clients.volume.measure_snapshot(
            context, base.owner(volume), volume.id, spec.reference))
        return self._trial(volume.project_id, size, found,
                           volume.volume_type_id, snapshots=1)

    def _check_snapshot(self, tx: Transaction, context: RequestContext,
                        spec: SnapshotSpec, *, lock: bool = False,
                        ) -> models.Volume:
        volume = base.require(tx, context, models.Volume, 'volume',
                              spec.volume_id, lock=lock)
        if spec.host is not None and not _is_at(volume.host, spec.host):
            raise exceptions.Invalid(
                f'volume {volume.id} is not on {spec.host}',
                remedy='leave host out, or name the host of the volume')
        _require(self._running(tx, base.owner(volume)), SNAPSHOTS_ABILITY)
        snapshots.check_source(volume, allow_in_use=True)
        return volume

    def unmanage_snapshot(self, context: RequestContext, id_: str) -> None:
        """Ask for a snapshot to be let go; its bytes stay (R-011)."""
        with self.database.write() as tx:
            row = base.require(tx, context, models.Snapshot, 'snapshot', id_,
                               lock=True)
            snapshots.check_unneeded(tx, row)
            volume = rows.get(tx, models.Volume, row.volume_id)
            if volume is None or volume.host is None:
                raise exceptions.NotFound(
                    f'the volume of snapshot {id_} is gone')
            self._require_if_known(tx, volume, SNAPSHOTS_ABILITY)
            self.admit(tx, row.project_id)
            transitions.move(tx, SNAPSHOTS, models.Snapshot, id_,
                             SnapshotStatus.UNMANAGING, sources=DELETABLE,
                             reason='asked to be let go')
            self.clients.launch(
                tx, context, 'snapshot.unmanage', id_, topic='volume',
                host=base.owner(volume), project_id=row.project_id,
                arguments={'old_status': row.status})

    # What they share.

    def _launch(self, tx: Transaction, context: RequestContext, kind: str,
                id_: str, project_id: str, reference: Reference) -> None:
        self.clients.launch(
            tx, context, kind, id_, topic='scheduler', host=None,
            project_id=project_id, arguments={'reference': reference})

    def _trial(self, project_id: str, size: int | None,
               found: tuple[exceptions.BlockstoreError, ...],
               type_id: str | None, volume_size: int | None = None,
               **amounts: int) -> Trial:
        asked = quotas.wanted(self.conf, **amounts, gigabytes=size or 0)
        with self.database.read() as tx:
            try:
                demands = quotas.demands(tx, self.conf, project_id, asked,
                                         volume_size, type_id)
            except exceptions.QuotaExceeded as error:
                return Trial(size, (*found, error), {})
            found += tuple(quotas.exceeded(tx, one, type_id)
                           for one in demands if not one.fits)
            return Trial(size, found, {
                quotas.name_of(tx, one.resource, type_id): one
                for one in demands})

    def _running(self, tx: Transaction, host: str) -> models.Service:
        """Return the service of a back end, if it can be asked.

        :raises NotFound: there is no such back end.
        :raises Invalid: it is disabled or down.
        """
        service = db_services.get(tx, host.partition('#')[0],
                                  db_services.VOLUME)
        if service is None or ('#' in host and not any(
                pool.name == host for pool in db_services.pools([service]))):
            raise exceptions.NotFound(f'there is no back end {host}')
        up = db_services.is_up(service, db_services.oldest(
            tx, self.conf.service.service_down_time))
        if service.disabled or not up:
            raise exceptions.Invalid(
                'Service is unavailable at this time.',
                code=errors.DRIVER_NOT_READY,
                blockers=[f'volume service {service.host} is '
                          + ('disabled' if service.disabled else 'down')],
                remedy='enable it, or start it')
        return service

    def _require_if_known(self, tx: Transaction, volume: models.Volume,
                          ability: str) -> None:
        service = db_services.get(tx, base.owner(volume), db_services.VOLUME)
        if service is not None and service.capabilities is not None:
            _require(service, ability)


def _measured(ask: typing.Callable[[], int],
              ) -> tuple[int | None, tuple[exceptions.BlockstoreError, ...]]:
    try:
        return ask(), ()
    except (exceptions.DriverError, exceptions.Unsupported) as error:
        return None, (error,)


def _abilities(service: models.Service) -> typing.Sequence[str]:
    found: typing.Sequence[str] = (service.capabilities or {}).get(
        'capabilities', ())
    return found


def _require(service: models.Service, ability: str) -> None:
    if ability not in _abilities(service):
        raise exceptions.Unsupported(
            f'the driver of {service.host} has not the capability {ability}',
            remedy='use a back end that has it: GET /capabilities lists them')


def _is_at(host: str | None, named: str) -> bool:
    """Tell whether a volume is on a host, back end or pool (R-014)."""
    if host is None:
        return False
    return named in (host, host.partition('#')[0], host.partition('@')[0])
