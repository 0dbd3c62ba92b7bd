"""THE table: every URL of the API and what stands behind it.

How to add a noun (say ``widgets``):

1. ``policies/widgets.py``: ``list_rules()`` from ``base.rule(name, check,
   description, method, path)``; add ``'widgets'`` to ``policies.NOUNS``.
2. ``api/schemas/widgets.py``: one ``validation.Schema`` a body, mostly
   ``CREATE = validation.body('widget', validation.closed({'name':
   validation.NAME}, required=('name',)))``.
3. ``api/views/widgets.py``: pure functions, row → dict.  They take what they
   need of the request as arguments (``req.microversion``, ``req.links``);
   times through ``views.common.time``.
4. ``api/handlers/widgets.py``: plain functions ``show(req, widget_id)`` that
   return a dict, None for an empty answer, or a ``response.Response`` when
   they need a header or a code of their own.  ``req`` offers ``context``,
   ``services``, ``microversion`` (compare with a pair: ``>= (3, 31)``),
   ``body_json`` (already checked), ``query()``, ``flag(name)``,
   ``can(rule)``, ``require(rule)``, ``links``, ``app_conf``.  Lists go
   through :mod:`blockstore.api.paging`.  Never catch what services raise.
5. Rows here.  A parameter in the path has the name of the handler's
   argument.  The same path may have several rows with different versions (or
   different schemas at different versions); outside of all of them it is a
   404.  An action row has ``action='os-…'``; its schema describes the whole
   body, ``{'os-…': …}``.

The unit test of this table checks that every rule exists, every handler
takes what its path gives, and every row can be reached.
"""

from collections.abc import Callable
from typing import Any

from blockstore.api import microversions
from blockstore.api import validation
from blockstore.api.handlers import attachments
from blockstore.api.handlers import backups
from blockstore.api.handlers import daemons
from blockstore.api.handlers import discovery
from blockstore.api.handlers import manageable
from blockstore.api.handlers import messages
from blockstore.api.handlers import operations
from blockstore.api.handlers import pools
from blockstore.api.handlers import quotas
from blockstore.api.handlers import snapshot_metadata
from blockstore.api.handlers import snapshots
from blockstore.api.handlers import types
from blockstore.api.handlers import versions
from blockstore.api.handlers import volume_actions
from blockstore.api.handlers import volume_metadata
from blockstore.api.handlers import volumes
from blockstore.api.microversions import Version
from blockstore.api.rows import PUBLIC
from blockstore.api.rows import Row
from blockstore.api.schemas import attachments as attachment_schemas
from blockstore.api.schemas import backups as backup_schemas
from blockstore.api.schemas import daemons as daemon_schemas
from blockstore.api.schemas import manageable as manageable_schemas
from blockstore.api.schemas import quotas as quota_schemas
from blockstore.api.schemas import snapshots as snapshot_schemas
from blockstore.api.schemas import types as type_schemas
from blockstore.api.schemas import volumes as volume_schemas

V = Version

# Whole paths, answered to anybody.
ROOTS = (
    Row('GET', '/', versions.choices, PUBLIC, 300),
    Row('GET', '/v3', versions.redirect, PUBLIC, 302),
    Row('GET', '/v3/', versions.show, PUBLIC),
)

_VOLUME = '/volumes/{volume_id}'
_VOLUMES = (
    Row('GET', '/volumes', volumes.index, 'volume:get_all'),
    Row('GET', '/volumes/detail', volumes.detail, 'volume:get_all'),
    Row('GET', '/volumes/summary', volumes.summary, 'volume:get_all',
        min=V(3, 12)),
    Row('POST', '/volumes', volumes.create, 'volume:create', 202,
        volume_schemas.CREATE, max=V(3, 52)),
    Row('POST', '/volumes', volumes.create, 'volume:create', 202,
        volume_schemas.CREATE_CLOSED, min=V(3, 53)),
    Row('GET', _VOLUME, volumes.show, 'volume:get'),
    Row('PUT', _VOLUME, volumes.update, 'volume:update', 200,
        volume_schemas.UPDATE, max=V(3, 52)),
    Row('PUT', _VOLUME, volumes.update, 'volume:update', 200,
        volume_schemas.UPDATE_SOMETHING, min=V(3, 53)),
    Row('DELETE', _VOLUME, volumes.delete, 'volume:delete', 202),
    Row('GET', _VOLUME + '/encryption', volumes.show_encryption,
        'volume_extension:volume_encryption_metadata'),
    Row('GET', _VOLUME + '/encryption/{key}', volumes.show_encryption_key,
        'volume_extension:volume_encryption_metadata'),
    Row('GET', _VOLUME + '/metadata', volume_metadata.index,
        'volume:get_volume_metadata'),
    Row('POST', _VOLUME + '/metadata', volume_metadata.merge,
        'volume:create_volume_metadata', 200, volume_schemas.METADATA),
    Row('PUT', _VOLUME + '/metadata', volume_metadata.replace,
        'volume:update_volume_metadata', 200, volume_schemas.METADATA),
    Row('GET', _VOLUME + '/metadata/{key}', volume_metadata.show,
        'volume:get_volume_metadata'),
    Row('PUT', _VOLUME + '/metadata/{key}', volume_metadata.update,
        'volume:update_volume_metadata', 200, volume_schemas.METADATA_KEY),
    Row('DELETE', _VOLUME + '/metadata/{key}', volume_metadata.delete,
        'volume:delete_volume_metadata'),
)


def _volume_action(action: str, handler: Callable[..., Any], policy: str,
                   schema: validation.Schema, code: int = 202,
                   **versions: Version) -> Row:
    return Row('POST', _VOLUME + '/action', handler, policy, code, schema,
               action=action, **versions)


_MANAGES = 'volume_extension:'
_DOES = 'volume_extension:volume_actions:'
_ADMIN_DOES = 'volume_extension:volume_admin_actions:'
_VOLUME_ACTIONS = (
    _volume_action('os-reserve', volume_actions.reserve,
                   _DOES + 'reserve', volume_schemas.RESERVE),
    _volume_action('os-unreserve', volume_actions.unreserve,
                   _DOES + 'unreserve', volume_schemas.UNRESERVE),
    _volume_action('os-begin_detaching', volume_actions.begin_detaching,
                   _DOES + 'begin_detaching',
                   volume_schemas.BEGIN_DETACHING),
    _volume_action('os-roll_detaching', volume_actions.roll_detaching,
                   _DOES + 'roll_detaching', volume_schemas.ROLL_DETACHING),
    _volume_action('os-attach', volume_actions.attach,
                   _DOES + 'attach', volume_schemas.ATTACH),
    _volume_action('os-detach', volume_actions.detach,
                   _DOES + 'detach', volume_schemas.DETACH),
    _volume_action('os-force_detach', volume_actions.force_detach,
                   _ADMIN_DOES + 'force_detach',
                   volume_schemas.FORCE_DETACH),
    _volume_action('os-initialize_connection',
                   volume_actions.initialize_connection,
                   _DOES + 'initialize_connection',
                   volume_schemas.INITIALIZE, 200),
    _volume_action('os-terminate_connection',
                   volume_actions.terminate_connection,
                   _DOES + 'terminate_connection', volume_schemas.TERMINATE),
    _volume_action('os-extend', volume_actions.extend, 'volume:extend',
                   volume_schemas.EXTEND),
    _volume_action('os-reset_status', volume_actions.reset_status,
                   _ADMIN_DOES + 'reset_status',
                   volume_schemas.RESET_STATUS),
    _volume_action('os-force_delete', volume_actions.force_delete,
                   _ADMIN_DOES + 'force_delete',
                   volume_schemas.FORCE_DELETE),
    _volume_action('revert', volume_actions.revert,
                   'volume:revert_to_snapshot', volume_schemas.REVERT,
                   min=V(3, 40)),
    _volume_action('os-set_bootable', volume_actions.set_bootable,
                   _DOES + 'set_bootable', volume_schemas.SET_BOOTABLE, 200),
    _volume_action('os-update_readonly_flag', volume_actions.set_readonly,
                   'volume:update_readonly_flag',
                   volume_schemas.SET_READONLY),
    _volume_action('os-unmanage', manageable.unmanage_volume,
                   _MANAGES + 'volume_unmanage',
                   manageable_schemas.UNMANAGE_VOLUME),
)

_MANAGES_SNAPSHOTS = 'snapshot_extension:'


def _unmanage_snapshot(path: str) -> Row:
    return Row('POST', path + '/action', manageable.unmanage_snapshot,
               _MANAGES_SNAPSHOTS + 'snapshot_unmanage', 202,
               manageable_schemas.UNMANAGE_SNAPSHOT, action='os-unmanage')


_SNAPSHOT = '/snapshots/{snapshot_id}'
_SNAPSHOT_ADMIN = 'volume_extension:snapshot_admin_actions:'
_SNAPSHOTS = (
    Row('GET', '/snapshots', snapshots.index, 'volume:get_all_snapshots'),
    Row('GET', '/snapshots/detail', snapshots.detail,
        'volume:get_all_snapshots'),
    Row('POST', '/snapshots', snapshots.create, 'volume:create_snapshot',
        202, snapshot_schemas.CREATE),
    Row('GET', _SNAPSHOT, snapshots.show, 'volume:get_snapshot'),
    Row('PUT', _SNAPSHOT, snapshots.update, 'volume:update_snapshot', 200,
        snapshot_schemas.UPDATE),
    Row('DELETE', _SNAPSHOT, snapshots.delete, 'volume:delete_snapshot',
        202),
    Row('GET', _SNAPSHOT + '/metadata', snapshot_metadata.index,
        'volume:get_snapshot_metadata'),
    Row('POST', _SNAPSHOT + '/metadata', snapshot_metadata.merge,
        'volume:update_snapshot_metadata', 200, snapshot_schemas.METADATA),
    Row('PUT', _SNAPSHOT + '/metadata', snapshot_metadata.replace,
        'volume:update_snapshot_metadata', 200, snapshot_schemas.METADATA),
    Row('GET', _SNAPSHOT + '/metadata/{key}', snapshot_metadata.show,
        'volume:get_snapshot_metadata'),
    Row('PUT', _SNAPSHOT + '/metadata/{key}', snapshot_metadata.update,
        'volume:update_snapshot_metadata', 200,
        snapshot_schemas.METADATA_KEY),
    Row('DELETE', _SNAPSHOT + '/metadata/{key}', snapshot_metadata.delete,
        'volume:delete_snapshot_metadata'),
    Row('POST', _SNAPSHOT + '/action', snapshots.reset_status,
        _SNAPSHOT_ADMIN + 'reset_status', 202,
        snapshot_schemas.RESET_STATUS, action='os-reset_status'),
    Row('POST', _SNAPSHOT + '/action', snapshots.force_delete,
        _SNAPSHOT_ADMIN + 'force_delete', 202,
        snapshot_schemas.FORCE_DELETE, action='os-force_delete'),
    _unmanage_snapshot(_SNAPSHOT),
)


def _manageable(path: str, list_rule: str, manage_rule: str,
                short: Callable[..., Any], long: Callable[..., Any],
                manage: Callable[..., Any], schema: validation.Schema,
                since: Version) -> tuple[Row, ...]:
    return (Row('GET', path, short, list_rule, min=since),
            Row('GET', path + '/detail', long, list_rule, min=since),
            Row('POST', path, manage, manage_rule, 202, schema, min=since))


_MANAGEABLE = (
    *(row for path, since in (('/os-volume-manage', microversions.MIN),
                              ('/manageable_volumes', V(3, 8)))
      for row in _manageable(
          path, _MANAGES + 'list_manageable', _MANAGES + 'volume_manage',
          manageable.volumes, manageable.volumes_detail,
          manageable.manage_volume, manageable_schemas.VOLUME, since)),
    *(row for path, since in (('/os-snapshot-manage', microversions.MIN),
                              ('/manageable_snapshots', V(3, 8)))
      for row in _manageable(
          path, _MANAGES_SNAPSHOTS + 'list_manageable',
          _MANAGES_SNAPSHOTS + 'snapshot_manage', manageable.snapshots,
          manageable.snapshots_detail, manageable.manage_snapshot,
          manageable_schemas.SNAPSHOT, since)),
    _unmanage_snapshot('/os-snapshot-manage/{snapshot_id}'),
)

_BACKUP = '/backups/{backup_id}'
_BACKUP_ADMIN = 'volume_extension:backup_admin_actions:'
_BACKUPS = (
    Row('GET', '/backups', backups.index, 'backup:get_all'),
    Row('GET', '/backups/detail', backups.detail, 'backup:get_all'),
    Row('POST', '/backups', backups.create, 'backup:create', 202,
        backup_schemas.CREATE, max=V(3, 42)),
    Row('POST', '/backups', backups.create, 'backup:create', 202,
        backup_schemas.CREATE_METADATA, min=V(3, 43), max=V(3, 50)),
    Row('POST', '/backups', backups.create, 'backup:create', 202,
        backup_schemas.CREATE_ZONE, min=V(3, 51)),
    Row('GET', _BACKUP, backups.show, 'backup:get'),
    Row('PUT', _BACKUP, backups.update, 'backup:update', 200,
        backup_schemas.UPDATE, min=V(3, 9), max=V(3, 42)),
    Row('PUT', _BACKUP, backups.update, 'backup:update', 200,
        backup_schemas.UPDATE_METADATA, min=V(3, 43)),
    Row('DELETE', _BACKUP, backups.delete, 'backup:delete', 202),
    Row('POST', _BACKUP + '/restore', backups.restore, 'backup:restore', 202,
        backup_schemas.RESTORE),
    Row('POST', _BACKUP + '/action', backups.reset_status,
        _BACKUP_ADMIN + 'reset_status', 202,
        backup_schemas.RESET_STATUS, action='os-reset_status'),
    Row('POST', _BACKUP + '/action', backups.force_delete,
        _BACKUP_ADMIN + 'force_delete', 202,
        backup_schemas.FORCE_DELETE, action='os-force_delete'),
)

_ATTACHMENT = '/attachments/{attachment_id}'
_ATTACHMENTS = (
    Row('GET', '/attachments', attachments.index, 'volume:attachment_get',
        min=V(3, 27)),
    Row('GET', '/attachments/detail', attachments.detail,
        'volume:attachment_get', min=V(3, 27)),
    Row('POST', '/attachments', attachments.create,
        'volume:attachment_create', 200, attachment_schemas.CREATE,
        min=V(3, 27), max=V(3, 53)),
    Row('POST', '/attachments', attachments.create,
        'volume:attachment_create', 200, attachment_schemas.CREATE_MODE,
        min=V(3, 54)),
    Row('GET', _ATTACHMENT, attachments.show, 'volume:attachment_get',
        min=V(3, 27)),
    Row('PUT', _ATTACHMENT, attachments.update, 'volume:attachment_update',
        200, attachment_schemas.UPDATE, min=V(3, 27)),
    Row('DELETE', _ATTACHMENT, attachments.delete,
        'volume:attachment_delete', min=V(3, 27)),
    Row('POST', _ATTACHMENT + '/action', attachments.complete,
        'volume:attachment_complete', 204, attachment_schemas.COMPLETE,
        min=V(3, 44), action='os-complete'),
)

_TYPE = '/types/{type_id}'
_SPEC = _TYPE + '/extra_specs/{key}'
_SPECS = 'volume_extension:types_extra_specs:'
_TYPES = (
    Row('GET', '/types', types.index, 'volume_extension:type_get_all'),
    Row('GET', '/types/default', types.show_default,
        'volume_extension:type_get'),
    Row('POST', '/types', types.create, 'volume_extension:type_create', 200,
        type_schemas.CREATE),
    Row('GET', _TYPE, types.show, 'volume_extension:type_get'),
    Row('PUT', _TYPE, types.update, 'volume_extension:type_update', 200,
        type_schemas.UPDATE),
    Row('DELETE', _TYPE, types.delete, 'volume_extension:type_delete', 202),
    Row('GET', _TYPE + '/encryption', types.encryption,
        'volume_extension:volume_type_encryption:get'),
    Row('GET', _TYPE + '/extra_specs', types.specs, _SPECS + 'index'),
    Row('POST', _TYPE + '/extra_specs', types.add_specs, _SPECS + 'create',
        200, type_schemas.EXTRA_SPECS),
    Row('GET', _SPEC, types.show_spec, _SPECS + 'show'),
    Row('PUT', _SPEC, types.update_spec, _SPECS + 'update', 200,
        type_schemas.EXTRA_SPEC),
    Row('DELETE', _SPEC, types.delete_spec, _SPECS + 'delete', 202),
    Row('GET', _TYPE + '/os-volume-type-access', types.projects,
        'volume_extension:volume_type_access:get_all_for_type'),
    Row('POST', _TYPE + '/action', types.add_project,
        'volume_extension:add_project_access', 202,
        type_schemas.ADD_PROJECT, action='addProjectAccess'),
    Row('POST', _TYPE + '/action', types.remove_project,
        'volume_extension:remove_project_access', 202,
        type_schemas.REMOVE_PROJECT, action='removeProjectAccess'),
    Row('GET', '/default-types', types.list_defaults,
        'volume_extension:default_get_all', min=V(3, 62)),
    Row('GET', '/default-types/{project_id}', types.show_project_default,
        'volume_extension:default_get', min=V(3, 62)),
    Row('PUT', '/default-types/{project_id}', types.set_default,
        'volume_extension:default_set_or_update', 200,
        type_schemas.SET_DEFAULT, min=V(3, 62)),
    Row('DELETE', '/default-types/{project_id}', types.unset_default,
        'volume_extension:default_unset', 204, min=V(3, 62)),
)

_QUOTA_SET = '/os-quota-sets/{project_id}'
_QUOTA_CLASS = '/os-quota-class-sets/{class_name}'
_QUOTAS = (
    Row('GET', _QUOTA_SET, quotas.show, 'volume_extension:quotas:show'),
    Row('GET', _QUOTA_SET + '/defaults', quotas.defaults,
        'volume_extension:quotas:show'),
    Row('PUT', _QUOTA_SET, quotas.update, 'volume_extension:quotas:update',
        200, quota_schemas.UPDATE),
    Row('DELETE', _QUOTA_SET, quotas.delete,
        'volume_extension:quotas:delete'),
    Row('GET', _QUOTA_CLASS, quotas.show_class,
        'volume_extension:quota_classes:get'),
    Row('PUT', _QUOTA_CLASS, quotas.update_class,
        'volume_extension:quota_classes:update', 200,
        quota_schemas.UPDATE_CLASS),
    Row('GET', '/limits', quotas.limits, 'limits_extension:used_limits'),
)

_DAEMONS = (
    Row('GET', '/os-services', daemons.index,
        'volume_extension:services:index'),
    Row('PUT', '/os-services/enable', daemons.enable,
        'volume_extension:services:update', 200, daemon_schemas.SWITCH),
    Row('PUT', '/os-services/disable', daemons.disable,
        'volume_extension:services:update', 200, daemon_schemas.SWITCH),
    Row('PUT', '/os-services/disable-log-reason',
        daemons.disable_with_reason, 'volume_extension:services:update', 200,
        daemon_schemas.DISABLE_WITH_REASON),
    Row('GET', '/scheduler-stats/get_pools', pools.index,
        'scheduler_extension:scheduler_stats:get_pools'),
    Row('GET', '/capabilities/{host}', pools.capabilities,
        'volume_extension:capabilities'),
)

_NEWS = (
    Row('GET', '/messages', messages.index, 'message:get_all', min=V(3, 3)),
    Row('GET', '/messages/{message_id}', messages.show, 'message:get',
        min=V(3, 3)),
    Row('DELETE', '/messages/{message_id}', messages.delete,
        'message:delete', 204, min=V(3, 3)),
    Row('GET', '/operations', operations.index, 'operation:get_all'),
    Row('GET', '/operations/{operation_id}', operations.show,
        'operation:get'),
)

_DISCOVERY = (
    Row('GET', '/os-availability-zone', discovery.zones,
        'volume:availability_zone_list'),
    Row('GET', '/extensions', discovery.extensions, 'volume:extensions'),
    Row('GET', '/extensions/{alias}', discovery.show_extension,
        'volume:extensions'),
    Row('GET', '/resource_filters', discovery.resource_filters,
        'volume:resource_filters', min=V(3, 33)),
)

TABLE: tuple[Row, ...] = (
    *_VOLUMES, *_VOLUME_ACTIONS, *_SNAPSHOTS, *_MANAGEABLE, *_BACKUPS,
    *_ATTACHMENTS, *_TYPES, *_QUOTAS, *_DAEMONS, *_NEWS, *_DISCOVERY,
)
