"""What the endpoints for other services share.

A change may be asked for twice under one ``operation_id``: the second call
starts nothing and is answered as the first.  Whoever can reach the broker is
trusted to say who it asks for; what the context's project may not see is not
found, as in the API.
"""

from collections.abc import Callable
from collections.abc import Mapping
import hashlib
import threading
import time
import typing

from oslo_config import cfg
from oslo_db import exception as db_exception
from oslo_serialization import jsonutils

from blockstore import errors
from blockstore import exceptions
from blockstore.context import RequestContext
from blockstore.db import operations as db
from blockstore.db.engine import Database
from blockstore.db.engine import Transaction
from blockstore.lifecycle import operations
from blockstore.objects.operation import OperationInfo
from blockstore.objects.service import VersionsInfo
from blockstore.objects.volume import VolumeInfo
from blockstore.rpc import versions
from blockstore.rpc.clients import Clients
from blockstore.services.container import Services
from blockstore.services.volume_creation import VolumeSpec

Answer = dict[str, typing.Any]
Ask = Callable[[Services], object]
Show = Callable[[RequestContext, str], typing.Any]
Shows = dict[str, Show]
_WAIT = 10
_LOOK = 0.1


class Launcher(Clients):
    """Clients that give the operation of one kind the caller's key."""

    def __init__(self, clients: Clients, kind: str,
                 key: operations.Key | None) -> None:
        self.listener = clients.listener
        self.scheduler = clients.scheduler
        self.volume = clients.volume
        self.backup = clients.backup
        self._kind = kind
        self._key = key
        #: The id of that operation, once it was started.
        self.started: str | None = None

    def launch(self, tx: Transaction, context: RequestContext, kind: str,
               resource_id: str, **options: typing.Any) -> str:
        """Start an operation; the one that was asked for by its key."""
        if kind != self._kind:
            return super().launch(tx, context, kind, resource_id, **options)
        self.started = super().launch(tx, context, kind, resource_id,
                                      key=self._key, **options)
        return self.started


class Requests:
    """Base of the endpoints; knows how to ask once, and how to follow."""

    #: The service whose API this is a part of.
    SERVICE: str

    def __init__(self, conf: cfg.ConfigOpts, database: Database,
                 clients: Clients) -> None:
        self._conf = conf
        self._database = database
        self._clients = clients
        self._services = Services(conf, database, clients)
        # Those who wait must not keep out those who ask.
        self._waiting = threading.BoundedSemaphore(
            max(1, conf.rpc.server_threads // 4))

    # Following.

    def get_operation(self, context: RequestContext, operation_id: str,
                      ) -> OperationInfo:
        """Return how far an operation is."""
        return OperationInfo.from_row(
            self._services.operations.get(context, operation_id))

    def wait_operation(self, context: RequestContext, operation_id: str,
                       seconds: int | None = None) -> OperationInfo:
        """Return an operation when it is over, or when time is."""
        limit = time.monotonic() + (_WAIT if seconds is None else seconds)
        found = self.get_operation(context, operation_id)
        if not self._waiting.acquire(blocking=False):
            return found
        try:
            while (found.state in db.OPEN  # type: ignore[attr-defined]
                   and time.monotonic() < limit):
                time.sleep(_LOOK)
                found = self.get_operation(context, operation_id)
        finally:
            self._waiting.release()
        return found

    def get_versions(self, context: RequestContext) -> VersionsInfo:
        """Return what this service speaks."""
        return VersionsInfo(rpc=versions.RPC[self.SERVICE],
                            objects=versions.OBJECTS)

    # Asking.

    def _volume(self, context: RequestContext, id_: str) -> VolumeInfo:
        return VolumeInfo.of(self._services.volumes.get(context, id_))

    def _create_volume(self, context: RequestContext,
                       operation_id: str | None,
                       arguments: Mapping[str, typing.Any],
                       **further: typing.Any) -> Answer:
        values = {**arguments, 'metadata': arguments['metadata'] or {}}
        spec = VolumeSpec(**values, **further)
        return self._once(
            context, operation_id, 'volume.create', arguments,
            lambda services: services.volumes.create(context, spec).id)

    def _once(self, context: RequestContext, operation_id: str | None,
              kind: str, arguments: Mapping[str, typing.Any], ask: Ask,
              ) -> Answer:
        """Ask for something, unless that was done under this id before.

        :param kind: of the operation that this starts.
        :param ask: calls one use case.
        :returns: the operation (None: there was nothing to do any more) and
            what it is done to.
        """
        key = None
        if operation_id is not None:
            key = operations.Key(operation_id, _digest(kind, arguments))
            known = self._known(context, key)
            if known is not None:
                return self._answer(context, known)
        launcher = Launcher(self._clients, kind, key)
        try:
            ask(Services(self._conf, self._database, launcher))
        except (exceptions.BlockstoreError,
                db_exception.DBDuplicateEntry) as error:
            # The same call may have come a moment ago, and be done by now.
            known = None if key is None else self._known(context, key)
            if known is None:
                if isinstance(error, db_exception.DBDuplicateEntry):
                    raise _taken(operation_id) from error
                raise
            return self._answer(context, known)
        if launcher.started is None:
            return {'operation': None}
        return self._answer(context, self._services.operations.get(
            context, launcher.started))

    def _known(self, context: RequestContext, key: operations.Key,
               ) -> db.Row | None:
        with self._database.read() as tx:
            row = db.get(tx, key.id)
        if row is None:
            return None
        if row.request_digest != key.digest or (
                not context.is_admin
                and row.project_id != context.project_id):
            raise _taken(key.id)
        return row

    def _answer(self, context: RequestContext, row: db.Row) -> Answer:
        show = {'volume': self._volume, **self._shows()}
        noun = row.resource_type
        answer: Answer = {'operation': OperationInfo.from_row(row),
                          noun: _or_none(show[noun], context,
                                         row.resource_id)}
        filled = row.arguments.get('volume_id')
        if row.kind == 'backup.restore' and filled:
            answer['volume'] = _or_none(self._volume, context, filled)
        return answer

    def _shows(self) -> Shows:
        """Return how further nouns are shown."""
        return {}


def _or_none(show: Show, context: RequestContext, id_: str) -> typing.Any:
    """Show something; None when it is gone by now."""
    try:
        return show(context, id_)
    except exceptions.NotFound:
        return None


def _digest(kind: str, arguments: Mapping[str, typing.Any]) -> str:
    text = jsonutils.dumps([kind, arguments], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def _taken(id_: str | None) -> exceptions.Conflict:
    return exceptions.Conflict(
        f'the operation id {id_} stands for another request',
        code=errors.OPERATION_TAKEN, blockers=[f'operation {id_}'],
        remedy='use a new UUID for each request')
