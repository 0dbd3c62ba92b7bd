"""What all use cases share: the database, the clients, and how they refuse."""

from collections.abc import Callable
import typing

from oslo_config import cfg

from blockstore import errors
from blockstore import exceptions
from blockstore.context import RequestContext
from blockstore.db import models
from blockstore.db import rows
from blockstore.db.engine import Database
from blockstore.db.engine import Transaction
from blockstore.rpc.clients import Clients
from blockstore.services import pressure

_M = typing.TypeVar('_M', bound=models.Base)


class UseCases:
    """Base of the use cases of one noun.

    :param clients: how the services that do the work are told.
    """

    def __init__(self, conf: cfg.ConfigOpts, database: Database,
                 clients: Clients) -> None:
        self.conf = conf
        self.database = database
        self.clients = clients
        self._pressure = pressure.Pressure(conf)

    def admit(self, tx: Transaction, project_id: str) -> None:
        """Refuse to start more for a project while too much is open."""
        self._pressure.admit(tx, project_id)


def require(tx: Transaction, context: RequestContext, model: type[_M],
            noun: str, id_: str, *, lock: bool = False) -> _M:
    """Return a row that the caller may see, or raise NotFound.

    A row of another project is not found either: the query itself is
    restricted to what the caller may see.  What the service made for itself
    (a backup's snapshot or volume) can be looked at but not used.
    """
    row = rows.get_for(tx, context, model, id_, lock=lock)
    if row is None:
        raise exceptions.NotFound(f'{noun} {id_} could not be found')
    if getattr(row, 'purpose', 'user') != 'user':
        raise exceptions.Invalid(
            f'{noun} {id_} belongs to a backup and cannot be used',
            code=errors.BELONGS_TO_BACKUP, blockers=['a backup'],
            remedy='delete the backup: what belongs to it goes with it')
    return row


def project_of(context: RequestContext) -> str:
    """Return the project that a caller works in, or raise Invalid."""
    if context.project_id is None:
        raise exceptions.Invalid(
            'the request belongs to no project',
            remedy='use a token of a project, or name it in the URL')
    return str(context.project_id)


def owner(volume: models.Volume) -> str:
    """Return the service that owns a volume, or raise InvalidStatus."""
    if volume.host is None:
        raise exceptions.InvalidStatus(
            f'volume {volume.id} has no back end yet',
            code=errors.VOLUME_NOT_PLACED,
            remedy='wait until it is available')
    return volume.host.partition('#')[0]


def found(row: typing.Any | None, noun: str, id_: str) -> typing.Any:
    """Return a row that was looked up, or raise NotFound."""
    if row is None:
        raise exceptions.NotFound(f'{noun} {id_} could not be found')
    return row


class KeyedMetadata:
    """The four use cases of a noun's metadata.

    :param model: the noun's rows; ``metadata`` the rows of its keys.
    :param frozen: statuses in which the keys may not be changed.
    """

    def __init__(self, database: Database, noun: str,
                 model: type[models.Base], metadata: type[models.Base],
                 frozen: tuple[str, ...] = ()) -> None:
        self._database = database
        self._noun = noun
        self._model = model
        self._metadata = metadata
        self._frozen = frozen

    def get(self, context: RequestContext, id_: str) -> dict[str, str]:
        """Return all keys."""
        with self._database.read() as tx:
            require(tx, context, self._model, self._noun, id_)
            return self._all(tx, id_)

    def merge(self, context: RequestContext, id_: str,
              values: dict[str, str]) -> dict[str, str]:
        """Add or change keys; return all of them."""
        return self._write(context, id_, values, replace=False)

    def replace(self, context: RequestContext, id_: str,
                values: dict[str, str],
                check: Callable[[dict[str, str]], None] | None = None,
                ) -> dict[str, str]:
        """Write these keys and no others.

        :param check: sees the keys that go, held still, and may refuse.
        """
        return self._write(context, id_, values, replace=True, check=check)

    def delete_key(self, context: RequestContext, id_: str, key: str,
                   ) -> None:
        """Remove one key; raises NotFound if it is not there."""
        with self._database.write() as tx:
            self._changeable(tx, context, id_)
            if not rows.delete_metadata(tx, self._metadata, id_, key):
                raise exceptions.NotFound(
                    f'{self._noun} {id_} has no metadata key {key!r}')

    def _write(self, context: RequestContext, id_: str,
               values: dict[str, str], *, replace: bool,
               check: Callable[[dict[str, str]], None] | None = None,
               ) -> dict[str, str]:
        with self._database.write() as tx:
            self._changeable(tx, context, id_)
            if check is not None:
                check(self._all(tx, id_))
            rows.set_metadata(tx, self._metadata, id_, values,
                              replace=replace)
            return self._all(tx, id_)

    def _changeable(self, tx: Transaction, context: RequestContext, id_: str,
                    ) -> None:
        row: typing.Any = require(tx, context, self._model, self._noun, id_,
                                  lock=True)
        if row.status in self._frozen:
            raise exceptions.InvalidStatus(
                f'{self._noun} {id_} is {row.status}: its metadata cannot be '
                'changed now', blockers=[f'status {row.status}'],
                remedy='wait until the operation has ended')

    def _all(self, tx: Transaction, id_: str) -> dict[str, str]:
        # In one order always: the API makes an entity tag of them.
        found = rows.metadata(tx, self._metadata, [id_]).get(id_, {})
        return dict(sorted(found.items()))
