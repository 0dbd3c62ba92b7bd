"""What alembic runs: the revisions, on the connection that it was given.

:mod:`blockstore.db.migration` gives the connection; there is no other way in.
"""

from alembic import context

from blockstore.db import models

context.configure(
    connection=context.config.attributes['connection'],
    target_metadata=models.Base.metadata,
    compare_server_default=True,
    # SQLite changes a table by copying it.
    render_as_batch=True)
with context.begin_transaction():
    context.run_migrations()
