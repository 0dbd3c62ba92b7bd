"""The tables.  A fetched row is typed as its model and is immutable.

Statuses are strings here; their meaning and the moves between them stand in
:mod:`blockstore.lifecycle`.  Times are naive UTC.  Rows of volumes, snapshots
and backups are never removed, only marked ``deleted``.
"""

import datetime
import typing

import sqlalchemy as sa
from sqlalchemy import orm
from sqlalchemy.dialects import mysql

DateTime = sa.DateTime().with_variant(mysql.DATETIME(fsp=6), 'mysql')
Text = sa.Text().with_variant(mysql.MEDIUMTEXT(), 'mysql')

Time = datetime.datetime
OptionalTime = Time | None


class Base(orm.DeclarativeBase):
    """Base of all models."""

    type_annotation_map: typing.ClassVar[dict[typing.Any, typing.Any]] = {
        str: sa.String(255),
        Time: DateTime,
        dict[str, typing.Any]: sa.JSON,
    }
    __table_args__: typing.Any = {'mysql_engine': 'InnoDB',
                                  'mysql_charset': 'utf8mb4',
                                  # Keys and names are what they are: 'a'
                                  # is not 'A', on any database.
                                  'mysql_collate': 'utf8mb4_bin'}


def _uuid() -> orm.MappedColumn[str]:
    return orm.mapped_column(sa.String(36), primary_key=True)


def _id(nullable: bool = True, index: bool = False,
        ) -> orm.MappedColumn[typing.Any]:
    return orm.mapped_column(sa.String(36), nullable=nullable, index=index)


class Owned:
    """Columns of everything that belongs to a project and can be deleted."""

    project_id: orm.Mapped[str]
    user_id: orm.Mapped[str | None]
    display_name: orm.Mapped[str | None]
    display_description: orm.Mapped[str | None]
    status: orm.Mapped[str] = orm.mapped_column(sa.String(32))
    status_reason: orm.Mapped[str | None] = orm.mapped_column(
        sa.String(255))
    status_changed_at: orm.Mapped[Time]
    created_at: orm.Mapped[Time]
    updated_at: orm.Mapped[OptionalTime]
    deleted_at: orm.Mapped[OptionalTime]
    deleted: orm.Mapped[bool] = orm.mapped_column(
        sa.Boolean, default=False)


class Volume(Owned, Base):
    """A volume; ``backup_id`` names the backup that reads it now."""

    __tablename__ = 'volumes'
    __table_args__ = (
        sa.Index('volumes_page', 'project_id', 'deleted', 'created_at', 'id'),
        sa.Index('volumes_host', 'host', 'deleted'),
        sa.Index('volumes_snapshot', 'snapshot_id', 'status'),
        sa.Index('volumes_source', 'source_volid', 'status'),
        Base.__table_args__)

    id: orm.Mapped[str] = _uuid()
    size: orm.Mapped[int]
    host: orm.Mapped[str | None]
    availability_zone: orm.Mapped[str | None]
    volume_type_id: orm.Mapped[str | None] = _id(index=True)
    purpose: orm.Mapped[str] = orm.mapped_column(
        sa.String(16), default='user')
    use_quota: orm.Mapped[bool] = orm.mapped_column(sa.Boolean, default=True)
    snapshot_id: orm.Mapped[str | None] = _id()
    source_volid: orm.Mapped[str | None] = _id()
    previous_status: orm.Mapped[str | None]
    backup_id: orm.Mapped[str | None] = _id()
    attach_status: orm.Mapped[str] = orm.mapped_column(
        sa.String(32), default='detached')
    migration_status: orm.Mapped[str | None]
    replication_status: orm.Mapped[str | None]
    bootable: orm.Mapped[bool] = orm.mapped_column(sa.Boolean, default=False)
    multiattach: orm.Mapped[bool] = orm.mapped_column(
        sa.Boolean, default=False)
    encryption_key_id: orm.Mapped[str | None] = _id()
    consistencygroup_id: orm.Mapped[str | None] = _id()
    group_id: orm.Mapped[str | None] = _id()
    provider_id: orm.Mapped[str | None]
    provider_location: orm.Mapped[str | None]
    provider_auth: orm.Mapped[str | None]
    service_uuid: orm.Mapped[str | None] = _id()
    shared_targets: orm.Mapped[bool] = orm.mapped_column(
        sa.Boolean, default=False)
    scheduled_at: orm.Mapped[OptionalTime]
    launched_at: orm.Mapped[OptionalTime]


class VolumeMetadata(Base):
    """A user's key of a volume."""

    __tablename__ = 'volume_metadata'

    volume_id: orm.Mapped[str] = _uuid()
    key: orm.Mapped[str] = orm.mapped_column(primary_key=True)
    value: orm.Mapped[str | None]


class VolumeAdminMetadata(Base):
    """A key of a volume that the service itself keeps (``readonly`` …)."""

    __tablename__ = 'volume_admin_metadata'

    volume_id: orm.Mapped[str] = _uuid()
    key: orm.Mapped[str] = orm.mapped_column(primary_key=True)
    value: orm.Mapped[str | None]


class Snapshot(Owned, Base):
    """A snapshot; ``purpose`` tells a user's from a backup's."""

    __tablename__ = 'snapshots'
    __table_args__ = (
        sa.Index('snapshots_page', 'project_id', 'deleted', 'created_at',
                 'id'),
        sa.Index('snapshots_volume', 'volume_id', 'deleted'),
        Base.__table_args__)

    id: orm.Mapped[str] = _uuid()
    volume_id: orm.Mapped[str] = _id(nullable=False)
    volume_size: orm.Mapped[int]
    volume_type_id: orm.Mapped[str | None] = _id()
    purpose: orm.Mapped[str] = orm.mapped_column(
        sa.String(16), default='user')
    use_quota: orm.Mapped[bool] = orm.mapped_column(sa.Boolean, default=True)
    progress: orm.Mapped[str | None]
    group_snapshot_id: orm.Mapped[str | None] = _id()
    encryption_key_id: orm.Mapped[str | None] = _id()
    provider_id: orm.Mapped[str | None]
    provider_location: orm.Mapped[str | None]
    provider_auth: orm.Mapped[str | None]


class SnapshotMetadata(Base):
    """A user's key of a snapshot."""

    __tablename__ = 'snapshot_metadata'

    snapshot_id: orm.Mapped[str] = _uuid()
    key: orm.Mapped[str] = orm.mapped_column(primary_key=True)
    value: orm.Mapped[str | None]


class Backup(Owned, Base):
    """A backup; the temporary objects that it owns are named in it."""

    __tablename__ = 'backups'
    __table_args__ = (
        sa.Index('backups_page', 'project_id', 'deleted', 'created_at', 'id'),
        sa.Index('backups_volume', 'volume_id', 'deleted'),
        Base.__table_args__)

    id: orm.Mapped[str] = _uuid()
    volume_id: orm.Mapped[str] = _id(nullable=False)
    snapshot_id: orm.Mapped[str | None] = _id()
    parent_id: orm.Mapped[str | None] = _id()
    size: orm.Mapped[int]
    object_count: orm.Mapped[int] = orm.mapped_column(default=0)
    host: orm.Mapped[str | None]
    availability_zone: orm.Mapped[str | None]
    container: orm.Mapped[str | None]
    fail_reason: orm.Mapped[str | None]
    service: orm.Mapped[str | None]
    service_metadata: orm.Mapped[str | None] = orm.mapped_column(Text)
    temp_volume_id: orm.Mapped[str | None] = _id()
    temp_snapshot_id: orm.Mapped[str | None] = _id()
    base_snapshot_id: orm.Mapped[str | None] = _id()
    restore_volume_id: orm.Mapped[str | None] = _id()
    data_timestamp: orm.Mapped[OptionalTime]
    encryption_key_id: orm.Mapped[str | None] = _id()


class BackupMetadata(Base):
    """A user's key of a backup."""

    __tablename__ = 'backup_metadata'

    backup_id: orm.Mapped[str] = _uuid()
    key: orm.Mapped[str] = orm.mapped_column(primary_key=True)
    value: orm.Mapped[str | None]


class Attachment(Base):
    """One connection of a volume to a host or an instance."""

    __tablename__ = 'volume_attachments'
    __table_args__ = (
        sa.Index('attachments_volume', 'volume_id', 'deleted'),
        Base.__table_args__)

    id: orm.Mapped[str] = _uuid()
    volume_id: orm.Mapped[str] = _id(nullable=False)
    project_id: orm.Mapped[str]
    instance_uuid: orm.Mapped[str | None] = _id()
    attached_host: orm.Mapped[str | None]
    mountpoint: orm.Mapped[str | None]
    attach_status: orm.Mapped[str] = orm.mapped_column(sa.String(32))
    attach_mode: orm.Mapped[str | None] = orm.mapped_column(sa.String(8))
    attach_time: orm.Mapped[OptionalTime]
    detach_time: orm.Mapped[OptionalTime]
    connector: orm.Mapped[dict[str, typing.Any] | None]
    connection_info: orm.Mapped[dict[str, typing.Any] | None]
    created_at: orm.Mapped[Time]
    updated_at: orm.Mapped[OptionalTime]
    deleted_at: orm.Mapped[OptionalTime]
    deleted: orm.Mapped[bool] = orm.mapped_column(sa.Boolean, default=False)


class VolumeType(Base):
    """A kind of volume that users choose by name."""

    __tablename__ = 'volume_types'

    id: orm.Mapped[str] = _uuid()
    name: orm.Mapped[str]
    description: orm.Mapped[str | None]
    is_public: orm.Mapped[bool] = orm.mapped_column(sa.Boolean, default=True)
    qos_specs_id: orm.Mapped[str | None] = _id()
    created_at: orm.Mapped[Time]
    updated_at: orm.Mapped[OptionalTime]
    deleted_at: orm.Mapped[OptionalTime]
    deleted: orm.Mapped[bool] = orm.mapped_column(sa.Boolean, default=False)


class VolumeTypeExtraSpec(Base):
    """What a volume type asks of a back end."""

    __tablename__ = 'volume_type_extra_specs'

    volume_type_id: orm.Mapped[str] = _uuid()
    key: orm.Mapped[str] = orm.mapped_column(primary_key=True)
    value: orm.Mapped[str | None]


class VolumeTypeProject(Base):
    """A project's access to a private volume type."""

    __tablename__ = 'volume_type_projects'

    volume_type_id: orm.Mapped[str] = _uuid()
    project_id: orm.Mapped[str] = orm.mapped_column(primary_key=True)


class DefaultVolumeType(Base):
    """The type of a project's volumes for which none is asked."""

    __tablename__ = 'default_volume_types'

    project_id: orm.Mapped[str] = orm.mapped_column(primary_key=True)
    volume_type_id: orm.Mapped[str] = _id(nullable=False)


class Quota(Base):
    """A project's own limit for one resource; -1 means none."""

    __tablename__ = 'quotas'

    project_id: orm.Mapped[str] = orm.mapped_column(primary_key=True)
    resource: orm.Mapped[str] = orm.mapped_column(primary_key=True)
    hard_limit: orm.Mapped[int]


class QuotaClass(Base):
    """A limit for all projects without one of their own."""

    __tablename__ = 'quota_classes'

    class_name: orm.Mapped[str] = orm.mapped_column(primary_key=True)
    resource: orm.Mapped[str] = orm.mapped_column(primary_key=True)
    hard_limit: orm.Mapped[int]


class QuotaLock(Base):
    """The row that is locked while a project's usage is counted."""

    __tablename__ = 'quota_locks'

    project_id: orm.Mapped[str] = orm.mapped_column(primary_key=True)
    turns: orm.Mapped[int] = orm.mapped_column(sa.BigInteger, default=0)


class QuotaUsage(Base):
    """What a project has of one resource and one volume type."""

    __tablename__ = 'quota_usages'

    project_id: orm.Mapped[str] = orm.mapped_column(primary_key=True)
    resource: orm.Mapped[str] = orm.mapped_column(
        sa.String(32), primary_key=True)
    volume_type_id: orm.Mapped[str] = _uuid()
    number: orm.Mapped[int] = orm.mapped_column(sa.BigInteger)
    gigabytes: orm.Mapped[int] = orm.mapped_column(sa.BigInteger)


class Service(Base):
    """A daemon's part that takes work; its heartbeat is ``reported_at``."""

    __tablename__ = 'services'
    __table_args__ = (
        sa.UniqueConstraint('host', 'binary', name='services_host_binary'),
        Base.__table_args__)

    id: orm.Mapped[int] = orm.mapped_column(primary_key=True)
    uuid: orm.Mapped[str] = _id(nullable=False)
    host: orm.Mapped[str] = orm.mapped_column(sa.String(190))
    binary: orm.Mapped[str] = orm.mapped_column(sa.String(64))
    topic: orm.Mapped[str]
    availability_zone: orm.Mapped[str]
    disabled: orm.Mapped[bool] = orm.mapped_column(sa.Boolean, default=False)
    disabled_reason: orm.Mapped[str | None]
    backend_state: orm.Mapped[str | None]
    capabilities: orm.Mapped[dict[str, typing.Any] | None]
    rpc_version: orm.Mapped[str | None] = orm.mapped_column(sa.String(16))
    object_version: orm.Mapped[str | None] = orm.mapped_column(
        sa.String(16))
    report_count: orm.Mapped[int] = orm.mapped_column(default=0)
    reported_at: orm.Mapped[OptionalTime]
    created_at: orm.Mapped[Time]
    updated_at: orm.Mapped[OptionalTime]


class Message(Base):
    """What a user is told about a failure that came after the 202."""

    __tablename__ = 'messages'
    __table_args__ = (
        sa.Index('messages_page', 'project_id', 'created_at', 'id'),
        Base.__table_args__)

    id: orm.Mapped[str] = _uuid()
    project_id: orm.Mapped[str]
    request_id: orm.Mapped[str | None]
    resource_type: orm.Mapped[str | None]
    resource_uuid: orm.Mapped[str | None]
    event_id: orm.Mapped[str]
    message_level: orm.Mapped[str] = orm.mapped_column(sa.String(16))
    user_message: orm.Mapped[str] = orm.mapped_column(sa.String(1024))
    created_at: orm.Mapped[Time]
    expires_at: orm.Mapped[OptionalTime]


class Operation(Base):
    """A piece of work: what, for whom, who holds it, how far it is."""

    __tablename__ = 'operations'
    __table_args__ = (
        sa.Index('operations_due', 'state', 'topic', 'host',
                 'lease_expires_at'),
        sa.Index('operations_resource', 'resource_id', 'state'),
        sa.Index('operations_page', 'project_id', 'created_at', 'id'),
        sa.Index('operations_turn', 'state', 'project_id', 'topic', 'kind',
                 'created_at', 'id', 'host'),
        sa.Index('operations_claimed', 'project_id', 'topic', 'kind',
                 'claimed_at'),
        Base.__table_args__)

    id: orm.Mapped[str] = _uuid()
    kind: orm.Mapped[str] = orm.mapped_column(sa.String(64))
    state: orm.Mapped[str] = orm.mapped_column(sa.String(16))
    resource_type: orm.Mapped[str] = orm.mapped_column(sa.String(32))
    resource_id: orm.Mapped[str] = _id(nullable=False)
    project_id: orm.Mapped[str]
    user_id: orm.Mapped[str | None]
    request_id: orm.Mapped[str | None]
    request_digest: orm.Mapped[str | None] = orm.mapped_column(
        sa.String(64))
    parent_id: orm.Mapped[str | None] = _id()
    topic: orm.Mapped[str] = orm.mapped_column(sa.String(32))
    host: orm.Mapped[str | None] = orm.mapped_column(sa.String(190))
    arguments: orm.Mapped[dict[str, typing.Any]]
    facts: orm.Mapped[dict[str, typing.Any]]
    attempt: orm.Mapped[int] = orm.mapped_column(default=0)
    lease_owner: orm.Mapped[str | None]
    lease_expires_at: orm.Mapped[OptionalTime]
    claimed_at: orm.Mapped[OptionalTime]
    step: orm.Mapped[str | None]
    bytes_total: orm.Mapped[int | None] = orm.mapped_column(sa.BigInteger)
    bytes_done: orm.Mapped[int | None] = orm.mapped_column(sa.BigInteger)
    bytes_skipped: orm.Mapped[int | None] = orm.mapped_column(sa.BigInteger)
    error_code: orm.Mapped[str | None]
    error_message: orm.Mapped[str | None] = orm.mapped_column(
        sa.String(1024))
    cancel_requested: orm.Mapped[bool] = orm.mapped_column(
        sa.Boolean, default=False)
    created_at: orm.Mapped[Time]
    updated_at: orm.Mapped[OptionalTime]
    finished_at: orm.Mapped[OptionalTime]


class Notification(Base):
    """A notification that is not known to be sent, and who sends it."""

    __tablename__ = 'notifications'
    __table_args__ = (sa.Index('notifications_held', 'held_until'),
                      sa.Index('notifications_age', 'created_at'),
                      Base.__table_args__)

    id: orm.Mapped[str] = _uuid()
    event_type: orm.Mapped[str]
    publisher_id: orm.Mapped[str]
    is_error: orm.Mapped[bool]
    context: orm.Mapped[dict[str, typing.Any]]
    payload: orm.Mapped[dict[str, typing.Any]]
    owner: orm.Mapped[str] = _id(nullable=False)
    held_until: orm.Mapped[Time]
    created_at: orm.Mapped[Time]


class DriverDocument(Base):
    """A fact that a volume driver keeps (its book)."""

    __tablename__ = 'driver_documents'

    backend: orm.Mapped[str] = orm.mapped_column(
        sa.String(190), primary_key=True)
    key: orm.Mapped[str] = orm.mapped_column(
        sa.String(190), primary_key=True)
    document: orm.Mapped[str] = orm.mapped_column(Text)
