"""What a volume service tells of objects that it could take over.

Every call only looks; the back end's own paging keeps the answers short.
"""

import types
import typing

import oslo_messaging as messaging
from oslo_utils import uuidutils

from blockstore.context import RequestContext
from blockstore.db import manageable as db
from blockstore.db.engine import Database
from blockstore.objects.snapshot import Snapshot
from blockstore.objects.volume import Volume
from blockstore.rpc import versions
from blockstore.rpc.methods import volume as methods
from blockstore.volume.drivers import base as drivers
from blockstore.volume.drivers.manageable import Manageable
from blockstore.volume.drivers.manageable import Reference
from blockstore.volume.flows import base
from blockstore.volume.flows import manage
from blockstore.volume.flows import nouns

Marker = dict[str, typing.Any] | None


class ManageableEndpoint:
    """Lists objects, and tells what a reference names."""

    target = messaging.Target(version=versions.RPC['volume'])
    METHODS = methods.METHODS

    def __init__(self, database: Database, driver: drivers.Driver) -> None:
        self._database = database
        self._driver = driver

    def get_manageable_volumes(self, context: RequestContext, marker: Marker,
                               limit: int | None, offset: int,
                               sort_keys: list[str], sort_dirs: list[str],
                               ) -> list[Manageable]:
        """List the volumes of the back end, whoever has them."""
        with self._database.read() as tx:
            found = [base.as_volume(row)
                     for row in db.volumes(tx, self._driver.host)]
        return list(self._driver.get_manageable_volumes(
            found, marker, limit, offset, sort_keys, sort_dirs))

    def get_manageable_snapshots(self, context: RequestContext,
                                 marker: Marker, limit: int | None,
                                 offset: int, sort_keys: list[str],
                                 sort_dirs: list[str]) -> list[Manageable]:
        """List the snapshots of the back end, whoever has them."""
        with self._database.read() as tx:
            found = [base.as_snapshot(row)
                     for row in db.snapshots(tx, self._driver.host)]
        return list(self._driver.get_manageable_snapshots(
            found, marker, limit, offset, sort_keys, sort_dirs))

    def measure_volume(self, context: RequestContext, reference: Reference,
                       ) -> int:
        """Return the size in GiB of what could be taken over."""
        return self._measure(nouns.VOLUME, Volume.from_row(
            _nothing(context), size=0, host=self._driver.host,
            volume_type_id=None), reference)

    def measure_snapshot(self, context: RequestContext, volume_id: str,
                         reference: Reference) -> int:
        """Return the size in GiB of what could be taken over."""
        return self._measure(nouns.SNAPSHOT, Snapshot.from_row(
            _nothing(context), volume_id=volume_id, volume_size=0), reference)

    def _measure(self, noun: nouns.Noun, view: typing.Any,
                 reference: Reference) -> int:
        return manage.measure(base.Handler(self._database, self._driver),
                              self._driver.host, noun, view, reference)


def _nothing(context: RequestContext) -> types.SimpleNamespace:
    """Return the row of something that will never be."""
    return types.SimpleNamespace(
        id=uuidutils.generate_uuid(), project_id=context.project_id or '',
        provider_id=None, provider_location=None, provider_auth=None)
