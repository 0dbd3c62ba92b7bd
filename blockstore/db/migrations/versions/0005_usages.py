"""Keep what projects use, and find what is made from a source."""

from alembic import op
import sqlalchemy as sa

revision = '0005'
down_revision = '0004'

# Resource, its table's size in GiB, and which further columns it has.
_COUNTED = (('volumes', 'volumes', 'size', True),
            ('snapshots', 'snapshots', 'volume_size', True),
            ('backups', 'backups', 'size', False))


def upgrade() -> None:
    """Add a table, filled with what there is, and two indexes."""
    with op.batch_alter_table('volumes') as batch:
        batch.create_index('volumes_snapshot', ['snapshot_id', 'status'])
        batch.create_index('volumes_source', ['source_volid', 'status'])
    usages = op.create_table(
        'quota_usages',
        sa.Column('project_id', sa.String(255), primary_key=True),
        sa.Column('resource', sa.String(32), primary_key=True),
        sa.Column('volume_type_id', sa.String(36), primary_key=True),
        sa.Column('number', sa.BigInteger, nullable=False),
        sa.Column('gigabytes', sa.BigInteger, nullable=False),
        mysql_engine='InnoDB', mysql_charset='utf8mb4',
        mysql_collate='utf8mb4_bin')
    for resource, name, size, typed in _COUNTED:
        op.execute(usages.insert().from_select(
            ['project_id', 'resource', 'volume_type_id', 'number',
             'gigabytes'], _sums(resource, name, size, typed)))


def _sums(resource: str, name: str, size: str, typed: bool,
          ) -> sa.Select[tuple[object, ...]]:
    table = sa.table(
        name, sa.column('project_id'), sa.column('volume_type_id'),
        sa.column(size), sa.column('deleted', sa.Boolean),
        sa.column('use_quota', sa.Boolean))
    where = [table.c.deleted == sa.false()]
    groups = [table.c.project_id]
    type_id: sa.ColumnElement[str] = sa.literal_column("''")
    if typed:
        where.append(table.c.use_quota == sa.true())
        type_id = sa.func.coalesce(table.c.volume_type_id, '')
        groups.append(table.c.volume_type_id)
    return sa.select(
        table.c.project_id, sa.literal_column(f"'{resource}'"), type_id,
        sa.func.count(), sa.func.coalesce(sa.func.sum(table.c[size]), 0),
        ).where(*where).group_by(*groups)
