"""Quotas: what a project may have, and what it has.

The check before it gets more is :mod:`blockstore.lifecycle.quotas`.
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
from blockstore.lifecycle.quotas import limits_of
from blockstore.lifecycle.quotas import RESOURCES
from blockstore.lifecycle.quotas import TYPED
from blockstore.lifecycle.quotas import UNLIMITED
from blockstore.lifecycle.quotas import usage_of


class Standing(typing.NamedTuple):
    """How a project stands with one resource."""

    limit: int
    in_use: int
    reserved: int = 0


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
            limits = limits_of(self._conf,
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
            usage = usage_of(tx, self._conf, project_id)
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
        limits = limits_of(self._conf, db.class_limits(tx, class_name))
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
    limits = limits_of(conf, db.limits(tx, project_id))
    usage = usage_of(tx, conf, project_id)
    return _standings(limits, usage, _names(db_types.names(tx, visible_to)))


def _own_project(ctx: RequestContext, project_id: str) -> None:
    if not ctx.is_admin and ctx.project_id != project_id:
        raise exceptions.Forbidden(
            'the quota of another project is for administrators')


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
