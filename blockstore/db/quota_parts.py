"""What a project's usage is made of: the rows that count, by status."""

from collections.abc import Iterable
from collections.abc import Iterator
import typing

import sqlalchemy as sa

from blockstore.db import models
from blockstore.db import rows
from blockstore.db.engine import Transaction

_SIZES: dict[str, tuple[type[models.Base], str]] = {
    'volume': (models.Volume, 'size'),
    'snapshot': (models.Snapshot, 'volume_size'),
    'backup': (models.Backup, 'size')}


class Part(typing.NamedTuple):
    """Rows of one noun and status; ``size`` in GiB, all together."""

    noun: str
    status: str
    counts: bool
    number: int
    size: int


class One(typing.NamedTuple):
    """One row that counts; ``size`` in GiB."""

    noun: str
    id: str
    status: str
    size: int


def parts(tx: Transaction, project_id: str) -> Iterator[Part]:
    """Yield what a project has, what does not count included."""
    for noun, (target, size, counts) in _targets():
        statement = sa.select(
            target.c.status, counts, sa.func.count(),
            sa.func.coalesce(sa.func.sum(size), 0)).where(
                target.c.project_id == project_id,
                target.c.deleted == sa.false()).group_by(
                    target.c.status, counts).order_by(target.c.status)
        for status, counted, number, total in tx.execute(statement):
            yield Part(noun, status, bool(counted), int(number), int(total))


def those(tx: Transaction, project_id: str, noun: str,
          statuses: Iterable[str], limit: int) -> list[One]:
    """Return rows that count and have one of these statuses, oldest first.
    """
    target, size, counts = dict(_targets())[noun]
    statement = sa.select(target.c.id, target.c.status, size).where(
        target.c.project_id == project_id, target.c.deleted == sa.false(),
        counts == sa.true(),
        target.c.status.in_([str(status) for status in statuses]))
    return [One(noun, id_, status, int(amount or 0))
            for id_, status, amount in tx.execute(statement.order_by(
                target.c.created_at, target.c.id).limit(limit))]


def _targets() -> Iterator[tuple[str, tuple[
        sa.Table, sa.Column[typing.Any], sa.ColumnElement[bool]]]]:
    for noun, (model, size) in _SIZES.items():
        target = rows.table(model)
        yield noun, (target, target.c[size], (
            target.c.use_quota if 'use_quota' in target.c else sa.true()))
