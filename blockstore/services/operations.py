"""Operations: how far a piece of work is, who holds it, why it failed."""

from oslo_config import cfg

from blockstore import exceptions
from blockstore.context import RequestContext
from blockstore.db import listing
from blockstore.db import operations as db
from blockstore.db import rows
from blockstore.db.engine import Database


class Operations:
    """The use cases of operations, for whoever asked for them."""

    def __init__(self, conf: cfg.ConfigOpts, database: Database) -> None:
        self._conf = conf
        self._database = database

    def list(self, ctx: RequestContext, query: listing.ListQuery,
             ) -> list[db.Row]:
        """Return the operations of one page."""
        with self._database.read() as tx:
            return listing.select(tx, ctx, db.Row, query)

    def count(self, ctx: RequestContext, query: listing.ListQuery) -> int:
        """Count the operations on all pages."""
        with self._database.read() as tx:
            return listing.count(tx, ctx, db.Row, query)

    def get(self, ctx: RequestContext, id_: str) -> db.Row:
        """Return an operation; raises NotFound."""
        with self._database.read() as tx:
            row = rows.get_for(tx, ctx, db.Row, id_)
        if row is None:
            raise exceptions.NotFound(f'operation {id_} could not be found')
        return row
