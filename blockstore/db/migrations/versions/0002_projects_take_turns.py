"""Projects take turns: when an operation was claimed, and whose is next."""

from alembic import op
import sqlalchemy as sa
from sqlalchemy.dialects import mysql

revision = '0002'
down_revision = '0001'

_TIME = sa.DateTime().with_variant(mysql.DATETIME(fsp=6), 'mysql')


def upgrade() -> None:
    """Add a column and two indexes to the operations."""
    with op.batch_alter_table('operations') as batch:
        batch.add_column(sa.Column('claimed_at', _TIME))
        batch.create_index('operations_claimed', [
            'project_id', 'topic', 'kind', 'claimed_at'])
        batch.create_index('operations_turn', [
            'state', 'project_id', 'topic', 'kind', 'created_at', 'id',
            'host'])
