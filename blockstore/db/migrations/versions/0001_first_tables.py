"""The first tables."""

from alembic import op
import sqlalchemy as sa
from sqlalchemy.dialects import mysql

revision = '0001'
down_revision = None

_ID = sa.String(36)
_TEXT = sa.String(255)
_LONG = sa.Text().with_variant(mysql.MEDIUMTEXT(), 'mysql')
_TIME = sa.DateTime().with_variant(mysql.DATETIME(fsp=6), 'mysql')


def upgrade() -> None:
    """Create every table."""
    _volumes()
    _volume_metadata()
    _volume_admin_metadata()
    _snapshots()
    _snapshot_metadata()
    _backups()
    _backup_metadata()
    _volume_attachments()
    _volume_types()
    _volume_type_extra_specs()
    _volume_type_projects()
    _default_volume_types()
    _quotas()
    _quota_classes()
    _quota_locks()
    _services()
    _messages()
    _operations()
    _driver_documents()


def _create(name: str, *columns: sa.schema.SchemaItem) -> None:
    op.create_table(name, *columns, mysql_engine='InnoDB',
                    mysql_charset='utf8mb4', mysql_collate='utf8mb4_bin')


def _volumes() -> None:
    _create(
        'volumes',
        sa.Column('id', _ID, nullable=False),
        sa.Column('size', sa.Integer, nullable=False),
        sa.Column('host', _TEXT),
        sa.Column('availability_zone', _TEXT),
        sa.Column('volume_type_id', _ID),
        sa.Column('purpose', sa.String(16), nullable=False),
        sa.Column('use_quota', sa.Boolean, nullable=False),
        sa.Column('snapshot_id', _ID),
        sa.Column('source_volid', _ID),
        sa.Column('previous_status', _TEXT),
        sa.Column('backup_id', _ID),
        sa.Column('attach_status', sa.String(32), nullable=False),
        sa.Column('migration_status', _TEXT),
        sa.Column('replication_status', _TEXT),
        sa.Column('bootable', sa.Boolean, nullable=False),
        sa.Column('multiattach', sa.Boolean, nullable=False),
        sa.Column('encryption_key_id', _ID),
        sa.Column('consistencygroup_id', _ID),
        sa.Column('group_id', _ID),
        sa.Column('provider_id', _TEXT),
        sa.Column('provider_location', _TEXT),
        sa.Column('provider_auth', _TEXT),
        sa.Column('service_uuid', _ID),
        sa.Column('shared_targets', sa.Boolean, nullable=False),
        sa.Column('scheduled_at', _TIME),
        sa.Column('launched_at', _TIME),
        sa.Column('project_id', _TEXT, nullable=False),
        sa.Column('user_id', _TEXT),
        sa.Column('display_name', _TEXT),
        sa.Column('display_description', _TEXT),
        sa.Column('status', sa.String(32), nullable=False),
        sa.Column('status_reason', _TEXT),
        sa.Column('status_changed_at', _TIME, nullable=False),
        sa.Column('created_at', _TIME, nullable=False),
        sa.Column('updated_at', _TIME),
        sa.Column('deleted_at', _TIME),
        sa.Column('deleted', sa.Boolean, nullable=False),
        sa.PrimaryKeyConstraint('id'))
    op.create_index('ix_volumes_volume_type_id', 'volumes', ['volume_type_id'])
    op.create_index('volumes_host', 'volumes', ['host', 'deleted'])
    op.create_index(
        'volumes_page', 'volumes',
        ['project_id', 'deleted', 'created_at', 'id'])


def _volume_metadata() -> None:
    _create(
        'volume_metadata',
        sa.Column('volume_id', _ID, nullable=False),
        sa.Column('key', _TEXT, nullable=False),
        sa.Column('value', _TEXT),
        sa.PrimaryKeyConstraint('volume_id', 'key'))


def _volume_admin_metadata() -> None:
    _create(
        'volume_admin_metadata',
        sa.Column('volume_id', _ID, nullable=False),
        sa.Column('key', _TEXT, nullable=False),
        sa.Column('value', _TEXT),
        sa.PrimaryKeyConstraint('volume_id', 'key'))


def _snapshots() -> None:
    _create(
        'snapshots',
        sa.Column('id', _ID, nullable=False),
        sa.Column('volume_id', _ID, nullable=False),
        sa.Column('volume_size', sa.Integer, nullable=False),
        sa.Column('volume_type_id', _ID),
        sa.Column('purpose', sa.String(16), nullable=False),
        sa.Column('use_quota', sa.Boolean, nullable=False),
        sa.Column('progress', _TEXT),
        sa.Column('group_snapshot_id', _ID),
        sa.Column('encryption_key_id', _ID),
        sa.Column('provider_id', _TEXT),
        sa.Column('provider_location', _TEXT),
        sa.Column('provider_auth', _TEXT),
        sa.Column('project_id', _TEXT, nullable=False),
        sa.Column('user_id', _TEXT),
        sa.Column('display_name', _TEXT),
        sa.Column('display_description', _TEXT),
        sa.Column('status', sa.String(32), nullable=False),
        sa.Column('status_reason', _TEXT),
        sa.Column('status_changed_at', _TIME, nullable=False),
        sa.Column('created_at', _TIME, nullable=False),
        sa.Column('updated_at', _TIME),
        sa.Column('deleted_at', _TIME),
        sa.Column('deleted', sa.Boolean, nullable=False),
        sa.PrimaryKeyConstraint('id'))
    op.create_index(
        'snapshots_page', 'snapshots',
        ['project_id', 'deleted', 'created_at', 'id'])
    op.create_index('snapshots_volume', 'snapshots', ['volume_id', 'deleted'])


def _snapshot_metadata() -> None:
    _create(
        'snapshot_metadata',
        sa.Column('snapshot_id', _ID, nullable=False),
        sa.Column('key', _TEXT, nullable=False),
        sa.Column('value', _TEXT),
        sa.PrimaryKeyConstraint('snapshot_id', 'key'))


def _backups() -> None:
    _create(
        'backups',
        sa.Column('id', _ID, nullable=False),
        sa.Column('volume_id', _ID, nullable=False),
        sa.Column('snapshot_id', _ID),
        sa.Column('parent_id', _ID),
        sa.Column('size', sa.Integer, nullable=False),
        sa.Column('object_count', sa.Integer, nullable=False),
        sa.Column('host', _TEXT),
        sa.Column('availability_zone', _TEXT),
        sa.Column('container', _TEXT),
        sa.Column('fail_reason', _TEXT),
        sa.Column('service', _TEXT),
        sa.Column('service_metadata', _LONG),
        sa.Column('temp_volume_id', _ID),
        sa.Column('temp_snapshot_id', _ID),
        sa.Column('base_snapshot_id', _ID),
        sa.Column('restore_volume_id', _ID),
        sa.Column('data_timestamp', _TIME),
        sa.Column('encryption_key_id', _ID),
        sa.Column('project_id', _TEXT, nullable=False),
        sa.Column('user_id', _TEXT),
        sa.Column('display_name', _TEXT),
        sa.Column('display_description', _TEXT),
        sa.Column('status', sa.String(32), nullable=False),
        sa.Column('status_reason', _TEXT),
        sa.Column('status_changed_at', _TIME, nullable=False),
        sa.Column('created_at', _TIME, nullable=False),
        sa.Column('updated_at', _TIME),
        sa.Column('deleted_at', _TIME),
        sa.Column('deleted', sa.Boolean, nullable=False),
        sa.PrimaryKeyConstraint('id'))
    op.create_index(
        'backups_page', 'backups',
        ['project_id', 'deleted', 'created_at', 'id'])
    op.create_index('backups_volume', 'backups', ['volume_id', 'deleted'])


def _backup_metadata() -> None:
    _create(
        'backup_metadata',
        sa.Column('backup_id', _ID, nullable=False),
        sa.Column('key', _TEXT, nullable=False),
        sa.Column('value', _TEXT),
        sa.PrimaryKeyConstraint('backup_id', 'key'))


def _volume_attachments() -> None:
    _create(
        'volume_attachments',
        sa.Column('id', _ID, nullable=False),
        sa.Column('volume_id', _ID, nullable=False),
        sa.Column('project_id', _TEXT, nullable=False),
        sa.Column('instance_uuid', _ID),
        sa.Column('attached_host', _TEXT),
        sa.Column('mountpoint', _TEXT),
        sa.Column('attach_status', sa.String(32), nullable=False),
        sa.Column('attach_mode', sa.String(8)),
        sa.Column('attach_time', _TIME),
        sa.Column('detach_time', _TIME),
        sa.Column('connector', sa.JSON),
        sa.Column('connection_info', sa.JSON),
        sa.Column('created_at', _TIME, nullable=False),
        sa.Column('updated_at', _TIME),
        sa.Column('deleted_at', _TIME),
        sa.Column('deleted', sa.Boolean, nullable=False),
        sa.PrimaryKeyConstraint('id'))
    op.create_index(
        'attachments_volume', 'volume_attachments',
        ['volume_id', 'deleted'])


def _volume_types() -> None:
    _create(
        'volume_types',
        sa.Column('id', _ID, nullable=False),
        sa.Column('name', _TEXT, nullable=False),
        sa.Column('description', _TEXT),
        sa.Column('is_public', sa.Boolean, nullable=False),
        sa.Column('qos_specs_id', _ID),
        sa.Column('created_at', _TIME, nullable=False),
        sa.Column('updated_at', _TIME),
        sa.Column('deleted_at', _TIME),
        sa.Column('deleted', sa.Boolean, nullable=False),
        sa.PrimaryKeyConstraint('id'))


def _volume_type_extra_specs() -> None:
    _create(
        'volume_type_extra_specs',
        sa.Column('volume_type_id', _ID, nullable=False),
        sa.Column('key', _TEXT, nullable=False),
        sa.Column('value', _TEXT),
        sa.PrimaryKeyConstraint('volume_type_id', 'key'))


def _volume_type_projects() -> None:
    _create(
        'volume_type_projects',
        sa.Column('volume_type_id', _ID, nullable=False),
        sa.Column('project_id', _TEXT, nullable=False),
        sa.PrimaryKeyConstraint('volume_type_id', 'project_id'))


def _default_volume_types() -> None:
    _create(
        'default_volume_types',
        sa.Column('project_id', _TEXT, nullable=False),
        sa.Column('volume_type_id', _ID, nullable=False),
        sa.PrimaryKeyConstraint('project_id'))


def _quotas() -> None:
    _create(
        'quotas',
        sa.Column('project_id', _TEXT, nullable=False),
        sa.Column('resource', _TEXT, nullable=False),
        sa.Column('hard_limit', sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint('project_id', 'resource'))


def _quota_classes() -> None:
    _create(
        'quota_classes',
        sa.Column('class_name', _TEXT, nullable=False),
        sa.Column('resource', _TEXT, nullable=False),
        sa.Column('hard_limit', sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint('class_name', 'resource'))


def _quota_locks() -> None:
    _create(
        'quota_locks',
        sa.Column('project_id', _TEXT, nullable=False),
        sa.Column('turns', sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint('project_id'))


def _services() -> None:
    _create(
        'services',
        sa.Column('id', sa.Integer, nullable=False),
        sa.Column('uuid', _ID, nullable=False),
        sa.Column('host', sa.String(190), nullable=False),
        sa.Column('binary', sa.String(64), nullable=False),
        sa.Column('topic', _TEXT, nullable=False),
        sa.Column('availability_zone', _TEXT, nullable=False),
        sa.Column('disabled', sa.Boolean, nullable=False),
        sa.Column('disabled_reason', _TEXT),
        sa.Column('backend_state', _TEXT),
        sa.Column('capabilities', sa.JSON),
        sa.Column('report_count', sa.Integer, nullable=False),
        sa.Column('reported_at', _TIME),
        sa.Column('created_at', _TIME, nullable=False),
        sa.Column('updated_at', _TIME),
        sa.PrimaryKeyConstraint('id'),
        sa.UniqueConstraint('host', 'binary', name='services_host_binary'))


def _messages() -> None:
    _create(
        'messages',
        sa.Column('id', _ID, nullable=False),
        sa.Column('project_id', _TEXT, nullable=False),
        sa.Column('request_id', _TEXT),
        sa.Column('resource_type', _TEXT),
        sa.Column('resource_uuid', _TEXT),
        sa.Column('event_id', _TEXT, nullable=False),
        sa.Column('message_level', sa.String(16), nullable=False),
        sa.Column('user_message', sa.String(1024), nullable=False),
        sa.Column('created_at', _TIME, nullable=False),
        sa.Column('expires_at', _TIME),
        sa.PrimaryKeyConstraint('id'))
    op.create_index(
        'messages_page', 'messages',
        ['project_id', 'created_at', 'id'])


def _operations() -> None:
    _create(
        'operations',
        sa.Column('id', _ID, nullable=False),
        sa.Column('kind', sa.String(64), nullable=False),
        sa.Column('state', sa.String(16), nullable=False),
        sa.Column('resource_type', sa.String(32), nullable=False),
        sa.Column('resource_id', _ID, nullable=False),
        sa.Column('project_id', _TEXT, nullable=False),
        sa.Column('user_id', _TEXT),
        sa.Column('request_id', _TEXT),
        sa.Column('parent_id', _ID),
        sa.Column('topic', sa.String(32), nullable=False),
        sa.Column('host', sa.String(190)),
        sa.Column('arguments', sa.JSON, nullable=False),
        sa.Column('facts', sa.JSON, nullable=False),
        sa.Column('attempt', sa.Integer, nullable=False),
        sa.Column('lease_owner', _TEXT),
        sa.Column('lease_expires_at', _TIME),
        sa.Column('step', _TEXT),
        sa.Column('bytes_total', sa.BigInteger),
        sa.Column('bytes_done', sa.BigInteger),
        sa.Column('bytes_skipped', sa.BigInteger),
        sa.Column('error_code', _TEXT),
        sa.Column('error_message', sa.String(1024)),
        sa.Column('cancel_requested', sa.Boolean, nullable=False),
        sa.Column('created_at', _TIME, nullable=False),
        sa.Column('updated_at', _TIME),
        sa.Column('finished_at', _TIME),
        sa.PrimaryKeyConstraint('id'))
    op.create_index(
        'operations_due', 'operations',
        ['state', 'topic', 'host', 'lease_expires_at'])
    op.create_index(
        'operations_page', 'operations',
        ['project_id', 'created_at', 'id'])
    op.create_index(
        'operations_resource', 'operations',
        ['resource_id', 'state'])


def _driver_documents() -> None:
    _create(
        'driver_documents',
        sa.Column('backend', sa.String(190), nullable=False),
        sa.Column('key', sa.String(190), nullable=False),
        sa.Column('document', _LONG, nullable=False),
        sa.PrimaryKeyConstraint('backend', 'key'))
