"""Tell which versions services speak, and know a request that comes twice"""

from alembic import op
import sqlalchemy as sa

revision = '0003'
down_revision = '0002'


def upgrade() -> None:
    """Change the tables."""
    with op.batch_alter_table('operations', schema=None) as batch_op:
        batch_op.add_column(sa.Column(
            'request_digest', sa.String(length=64), nullable=True))
    with op.batch_alter_table('services', schema=None) as batch_op:
        batch_op.add_column(sa.Column(
            'rpc_version', sa.String(length=16), nullable=True))
        batch_op.add_column(sa.Column(
            'object_version', sa.String(length=16), nullable=True))
