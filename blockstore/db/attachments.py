"""The rows of attachments."""

import typing

from oslo_utils import timeutils
import sqlalchemy as sa

from blockstore.db import models
from blockstore.db import rows
from blockstore.db.engine import Transaction

Row = models.Attachment
_T = rows.table(Row)
_OF_VOLUMES = sa.select(_T).where(
    _T.c.volume_id.in_(sa.bindparam('ids', expanding=True)),
    _T.c.deleted == sa.false()).order_by(_T.c.created_at)


def live(volume_id: typing.Any) -> tuple[sa.ColumnElement[bool], ...]:
    """The conditions of a volume's attachments that are not gone."""
    return (_T.c.volume_id == volume_id, _T.c.deleted == sa.false())


def of_volume(tx: Transaction, volume_id: str) -> list[Row]:
    """Return a volume's attachments, oldest first."""
    statement = sa.select(_T).where(*live(volume_id))
    return typing.cast('list[Row]', list(tx.execute(
        statement.order_by(_T.c.created_at, _T.c.id))))


def of_volumes(tx: Transaction, ids: list[str],
               ) -> dict[str, list[Row]]:
    """Return the attachments of many volumes."""
    found: dict[str, list[Row]] = {}
    if not ids:
        return found
    for row in tx.execute(_OF_VOLUMES, {'ids': ids}):
        found.setdefault(row.volume_id, []).append(
            typing.cast(Row, row))
    return found


def remove(tx: Transaction, id_: str) -> bool:
    """Mark an attachment as gone."""
    return rows.soft_delete(tx, Row, id_, attach_status='deleted',
                            detach_time=timeutils.utcnow())
