"""Messages: what a project was told about failures that came later."""

from oslo_config import cfg

from blockstore import exceptions
from blockstore.context import RequestContext
from blockstore.db import messages as db
from blockstore.db.engine import Database
from blockstore.db.listing import ListQuery


class Messages:
    """The use cases of user messages."""

    def __init__(self, conf: cfg.ConfigOpts, database: Database) -> None:
        self._conf = conf
        self._database = database

    def list(self, ctx: RequestContext, query: ListQuery) -> list[db.Row]:
        """Return the messages of one page."""
        with self._database.read() as tx:
            return db.page(tx, ctx, query)

    def get(self, ctx: RequestContext, id_: str) -> db.Row:
        """Return a message; raises NotFound."""
        with self._database.read() as tx:
            row = db.get(tx, ctx, id_)
        if row is None:
            raise _not_found(id_)
        return row

    def delete(self, ctx: RequestContext, id_: str) -> None:
        """Remove a message; raises NotFound."""
        with self._database.write() as tx:
            if not db.delete(tx, ctx, id_):
                raise _not_found(id_)


def _not_found(id_: str) -> exceptions.NotFound:
    return exceptions.NotFound(f'message {id_} could not be found')
