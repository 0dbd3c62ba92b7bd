"""Keep notifications until they are sent"""

from alembic import op
import sqlalchemy as sa
from sqlalchemy.dialects import mysql

revision = '0004'
down_revision = '0003'

_TIME = sa.DateTime().with_variant(mysql.DATETIME(fsp=6), 'mysql')


def upgrade() -> None:
    """Change the tables."""
    op.create_table(
        'notifications',
        sa.Column('id', sa.String(36), primary_key=True, nullable=False),
        sa.Column('event_type', sa.String(255), nullable=False),
        sa.Column('publisher_id', sa.String(255), nullable=False),
        sa.Column('is_error', sa.Boolean, nullable=False),
        sa.Column('context', sa.JSON, nullable=False),
        sa.Column('payload', sa.JSON, nullable=False),
        sa.Column('owner', sa.String(36), nullable=False),
        sa.Column('held_until', _TIME, nullable=False),
        sa.Column('created_at', _TIME, nullable=False),
        mysql_engine='InnoDB', mysql_charset='utf8mb4',
        mysql_collate='utf8mb4_bin')
    op.create_index('notifications_held', 'notifications', ['held_until'])
    op.create_index('notifications_age', 'notifications', ['created_at'])
