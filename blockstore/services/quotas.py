"""Quotas: what a project may have, and the check before it gets more.

:func:`reserve` is called in the transaction that inserts the new rows.  It
holds the project's lock until that transaction ends, counts, and refuses what
would go over a limit.  Nothing is stored: the caller's rows are the
reservation, and a rollback gives it back.

>>> with database.write() as tx:
...     quotas.reserve(tx, conf, project_id, volumes=1, gigabytes=10,
...                    volume_size=10, volume_type_id=type_id)
...     volumes.insert(tx, …)
"""

from collections.abc import Iterable
from collections.abc import Mapping
import typing

from oslo_config import cfg

from blockstore import exceptions
from blockstore.context import RequestContext
from blockstore.db import quotas as db
from blockstore.db import types as db_types
from blockstore.db.engine import Database
from blockstore.db.engine import Transaction

RESOURCES = ('volumes', 'snapshots', 'gigabytes', 'backups',
             'backup_gigabytes', 'groups', 'per_volume_gigabytes')
TYPED = ('volumes', 'snapshots', 'gigabytes')
UNLIMITED = -1


class Standing(typing.NamedTuple):
    """How a project stands with one resource."""

    limit: int
    in_use: int
    reserved: int = 0


def reserve(tx: Transaction, conf: cfg.ConfigOpts, project_id: str, *,
            volumes: int = 0, gigabytes: int = 0, snapshots: int = 0,
            backups: int = 0, backup_gigabytes: int = 0,
            volume_size: int | None = None,
            volume_type_id: str | None = None) -> None:
    """Make sure that a project may have more, and hold its usage still.

    Three statements.  Sizes in GiB.  The gigabytes of a new snapshot are
    given always and left out here if ``no_snapshot_gb_quota`` says so.

    :param volume_size: the size that one volume will have.
    :param volume_type_id: also check the limits for this volume type.
    :raises QuotaExceeded: naming resource, limit, use and what was asked.
    """
    if snapshots and not volumes and conf.quota.no_snapshot_gb_quota:
        gigabytes = 0
    asked = {'volumes': volumes, 'gigabytes': gigabytes,
             'snapshots': snapshots, 'backups': backups,
             'backup_gigabytes': backup_gigabytes}
    if volume_type_id is not None:
        asked.update({f'{name}_{volume_type_id}': asked[name]
                      for name in TYPED})
    db.lock(tx, project_id)
    limits = _limits(conf, db.limits(tx, project_id))
    _check_size(limits['per_volume_gigabytes'], volume_size)
    asked = {name: amount for name, amount in asked.items()
             if amount > 0 and limits.get(name, UNLIMITED) >= 0}
    if not asked:
        return
    usage = _usage(tx, conf, project_id)
    for name, amount in asked.items():
        if usage.of(name) + amount > limits[name]:
            raise _exceeded(_name(tx, name, volume_type_id), limits[name],
                            usage.of(name), amount)


class Quotas:
    """The use cases of quota sets, quota classes and limits."""

    def __init__(self, conf: cfg.ConfigOpts, database: Database) -> None:
        self._conf = conf
        self._database = database

    def show(self, ctx: RequestContext, project_id: str,
             ) -> dict[str, Standing]:
        """Return a project's limits and usage, types by their names."""
        _own_project(ctx, project_id)
        with self._database.read() as tx:
            return self._standings(tx, ctx, project_id)

    def defaults(self, ctx: RequestContext) -> dict[str, Standing]:
        """Return the limits of a project without limits of its own."""
        with self._database.read() as tx:
            limits = _limits(self._conf,
                             db.class_limits(tx, db.DEFAULT_CLASS))
            names = _names(db_types.names(tx))
        return _standings(limits, db.Usage({}), names)

    def update(self, ctx: RequestContext, project_id: str,
               values: Mapping[str, int]) -> dict[str, Standing]:
        """Give a project limits of its own.

        :raises Invalid: if a resource is unknown or more is in use than
            the new limit allows.
        """
        with self._database.write() as tx:
            names = _names(db_types.names(tx))
            limits = _known(values, names)
            db.lock(tx, project_id)
            usage = _usage(tx, self._conf, project_id)
            for resource, limit in limits.items():
                if 0 <= limit < usage.of(resource):
                    raise exceptions.Invalid(
                        f'{names[resource]} cannot be limited to {limit}: '
                        f'project {project_id} uses {usage.of(resource)}',
                        remedy='give a higher limit, or -1 for none')
            db.set_limits(tx, project_id, limits)
            return self._standings(tx, ctx, project_id)

    def delete(self, ctx: RequestContext, project_id: str) -> None:
        """Let the defaults hold for a project again."""
        with self._database.write() as tx:
            db.delete_limits(tx, project_id)

    def show_class(self, ctx: RequestContext, class_name: str,
                   ) -> dict[str, int]:
        """Return the limits of a quota class, types by their names."""
        with self._database.read() as tx:
            return self._class(tx, class_name)

    def update_class(self, ctx: RequestContext, class_name: str,
                     values: Mapping[str, int]) -> dict[str, int]:
        """Change the limits of a quota class.

        :raises Invalid: if a resource is unknown.
        """
        with self._database.write() as tx:
            limits = _known(values, _names(db_types.names(tx)))
            db.set_class_limits(tx, class_name, limits)
            return self._class(tx, class_name)

    def _class(self, tx: Transaction, class_name: str) -> dict[str, int]:
        limits = _limits(self._conf, db.class_limits(tx, class_name))
        names = _names(db_types.names(tx))
        return {names[key]: limits.get(key, UNLIMITED) for key in names}

    def _standings(self, tx: Transaction, ctx: RequestContext,
                   project_id: str) -> dict[str, Standing]:
        return standings(tx, self._conf, project_id,
                         None if ctx.is_admin else project_id)


def standings(tx: Transaction, conf: cfg.ConfigOpts, project_id: str,
              visible_to: str | None = None) -> dict[str, Standing]:
    """Return a project's limits and usage, types by their names.

    :param visible_to: only types that this project may see; None for all.
    """
    limits = _limits(conf, db.limits(tx, project_id))
    usage = _usage(tx, conf, project_id)
    return _standings(limits, usage, _names(db_types.names(tx, visible_to)))


def _own_project(ctx: RequestContext, project_id: str) -> None:
    if not ctx.is_admin and ctx.project_id != project_id:
        raise exceptions.Forbidden(
            'the quota of another project is for administrators')


def _limits(conf: cfg.ConfigOpts, stored: Mapping[str, int],
            ) -> dict[str, int]:
    """Fill up what is not stored with what is configured."""
    limits: dict[str, int] = {name: conf.quota[name] for name in RESOURCES}
    limits.update(stored)
    return limits


def _usage(tx: Transaction, conf: cfg.ConfigOpts, project_id: str,
           ) -> db.Usage:
    return db.usage(
        tx, project_id,
        snapshot_gigabytes=not conf.quota.no_snapshot_gb_quota)


def _names(types: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Map each resource as stored to its name for people."""
    names = {name: name for name in RESOURCES}
    for type_id, type_name in types:
        names.update({f'{name}_{type_id}': f'{name}_{type_name}'
                      for name in TYPED})
    return names


def _known(values: Mapping[str, int], names: Mapping[str, str],
           ) -> dict[str, int]:
    stored = {name: key for key, name in names.items()}
    unknown = sorted(set(values) - set(stored))
    if unknown:
        raise exceptions.Invalid(
            'no quota is kept for ' + ', '.join(unknown),
            remedy='known are ' + ', '.join(RESOURCES) + ' and, for each '
            'volume type, ' + ', '.join(f'{name}_<type>' for name in TYPED))
    return {stored[name]: limit for name, limit in values.items()}


def _standings(limits: Mapping[str, int], usage: db.Usage,
               names: Mapping[str, str]) -> dict[str, Standing]:
    return {name: Standing(limits.get(key, UNLIMITED), usage.of(key))
            for key, name in names.items()}


def _check_size(limit: int, size: int | None) -> None:
    if size is not None and 0 <= limit < size:
        raise exceptions.QuotaExceeded(
            f'a volume of {size} GiB is over the quota '
            f'per_volume_gigabytes: the limit is {limit} GiB',
            remedy='ask for a smaller volume, or ask an administrator to '
                   'raise per_volume_gigabytes')


def _name(tx: Transaction, resource: str, type_id: str | None) -> str:
    """Return a resource's name for people: with that of the type."""
    if type_id is None or not resource.endswith(f'_{type_id}'):
        return resource
    row = db_types.get(tx, type_id)
    return resource.removesuffix(type_id) + (row.name if row else type_id)


def _exceeded(resource: str, limit: int, in_use: int, asked: int,
              ) -> exceptions.QuotaExceeded:
    return exceptions.QuotaExceeded(
        f'the quota of {resource} is exceeded: the limit is {limit}, in use '
        f'are {in_use}, asked for were {asked} more',
        blockers=[f'quota {resource}'],
        remedy=f'delete what is no longer needed, or ask an administrator '
               f'to raise {resource}')
