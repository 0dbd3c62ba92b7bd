"""Volume types: what users choose, and what each asks of a back end.

A private type is there only for administrators and for the projects that
were given it; for all others it does not exist.
"""

from collections.abc import Mapping
import typing

from oslo_config import cfg
from oslo_utils import uuidutils

from blockstore import errors
from blockstore import exceptions
from blockstore.context import RequestContext
from blockstore.db import models
from blockstore.db import quotas as db_quotas
from blockstore.db import types as db
from blockstore.db.engine import Database
from blockstore.db.engine import Transaction
from blockstore.db.listing import ListQuery

# Inside VolumeTypes, ``list`` is its method.
Projects = list[str]
Defaults = list[models.DefaultVolumeType]


class Type(typing.NamedTuple):
    """A volume type and its extra specs."""

    row: db.Row
    extra_specs: Mapping[str, str]


def resolve(tx: Transaction, conf: cfg.ConfigOpts, context: RequestContext,
            name_or_id: str | None) -> db.Row | None:
    """Return the type for a new volume; None when there is none to take.

    :param name_or_id: what the caller named; None takes the default.
    :raises NotFound: if there is no such type for this caller.
    :raises BlockstoreError: if the configured default does not exist.
    """
    return db.resolve(tx, context, name_or_id,
                      conf.volume.default_volume_type)


class VolumeTypes:
    """The use cases of volume types, their extra specs and their access."""

    def __init__(self, conf: cfg.ConfigOpts, database: Database) -> None:
        self._conf = conf
        self._database = database

    def list(self, ctx: RequestContext, query: ListQuery) -> list[Type]:
        """Return the types of one page; ``query.metadata``: extra specs."""
        with self._database.read() as tx:
            found = db.page(tx, ctx, query)
            specs = db.specs_of(tx, [row.id for row in found])
        return [Type(row, specs.get(row.id, {})) for row in found]

    def get(self, ctx: RequestContext, id_: str) -> Type:
        """Return a type; raises NotFound."""
        with self._database.read() as tx:
            return _get(tx, ctx, id_)

    def default(self, ctx: RequestContext) -> Type:
        """Return the type of volumes for which none is asked.

        :raises NotFound: if there is none.
        """
        name = self._conf.volume.default_volume_type
        with self._database.read() as tx:
            row = db.default_of(tx, ctx.project_id or '')
            if row is None and name:
                row = db.by_name(tx, name)
            if row is None:
                raise exceptions.NotFound('there is no default volume type')
            return Type(row, db.extra_specs(tx, row.id))

    def create(self, ctx: RequestContext, name: str, *,
               description: str | None = None, is_public: bool = True,
               extra_specs: Mapping[str, str | None] | None = None) -> Type:
        """Make a type; raises Conflict if the name is taken."""
        id_ = uuidutils.generate_uuid()
        with self._database.write() as tx:
            _take_name(tx, name)
            db.insert(tx, id=id_, name=name, description=description,
                      is_public=is_public)
            db.set_specs(tx, id_, extra_specs or {})
            return _get(tx, ctx, id_)

    def update(self, ctx: RequestContext, id_: str,
               values: Mapping[str, typing.Any]) -> Type:
        """Change name, description or is_public.

        :raises Conflict: if another type has the name.
        """
        with self._database.write() as tx:
            row = _get(tx, ctx, id_).row
            if 'name' in values and values['name'] != row.name:
                _take_name(tx, values['name'])
            db.update(tx, id_, values)
            return _get(tx, ctx, id_)

    def delete(self, ctx: RequestContext, id_: str) -> None:
        """Remove a type; raises Invalid if it is used or the default."""
        with self._database.write() as tx:
            row = _get(tx, ctx, id_).row
            if (row.name == self._conf.volume.default_volume_type
                    or db.is_a_default(tx, id_)):
                raise exceptions.Invalid(
                    f'volume type {row.name} is a default',
                    code=errors.TYPE_IN_USE,
                    remedy='make another one the default first')
            _require_unused(tx, row)
            db.delete(tx, id_)
            db_quotas.forget_type(tx, id_)

    def set_extra_specs(self, ctx: RequestContext, id_: str,
                        specs: Mapping[str, str | None]) -> None:
        """Write some extra specs; raises Invalid if the type is used."""
        with self._database.write() as tx:
            _require_unused(tx, _get(tx, ctx, id_).row)
            db.set_specs(tx, id_, specs)

    def delete_extra_spec(self, ctx: RequestContext, id_: str, key: str,
                          ) -> None:
        """Remove an extra spec; raises Invalid if the type is used."""
        with self._database.write() as tx:
            _require_unused(tx, _get(tx, ctx, id_).row)
            if not db.delete_spec(tx, id_, key):
                raise exceptions.NotFound(
                    f'volume type {id_} has no extra spec {key}')

    def defaults(self, ctx: RequestContext) -> Defaults:
        """Return the defaults of all projects that have one of their own."""
        with self._database.read() as tx:
            return db.defaults(tx)

    def default_of(self, ctx: RequestContext, project_id: str) -> db.Row:
        """Return a project's own default; raises NotFound."""
        with self._database.read() as tx:
            row = db.default_of(tx, project_id)
        if row is None:
            raise exceptions.NotFound(
                f'project {project_id} has no default volume type')
        return row

    def set_default(self, ctx: RequestContext, project_id: str,
                    name_or_id: str) -> db.Row:
        """Give a project a default; raises NotFound for the type."""
        with self._database.write() as tx:
            row = db.find(tx, name_or_id, db.viewer(ctx))
            if row is None:
                raise exceptions.NotFound(
                    f'volume type {name_or_id} could not be found')
            db.set_default(tx, project_id, row.id)
        return row

    def unset_default(self, ctx: RequestContext, project_id: str) -> None:
        """Let the configured default hold for a project again."""
        with self._database.write() as tx:
            db.set_default(tx, project_id, None)

    def projects(self, ctx: RequestContext, id_: str) -> Projects:
        """Return who may use a private type; NotFound for a public one."""
        with self._database.read() as tx:
            if _get(tx, ctx, id_).row.is_public:
                raise exceptions.NotFound(
                    f'volume type {id_} is public: there is no list of '
                    'projects that may use it')
            return db.projects(tx, id_)

    def add_project(self, ctx: RequestContext, id_: str, project_id: str,
                    ) -> None:
        """Let a project use a private type."""
        with self._database.write() as tx:
            _require_private(_get(tx, ctx, id_).row)
            if project_id in db.projects(tx, id_):
                raise exceptions.Conflict(
                    f'project {project_id} may use volume type {id_} '
                    'already')
            db.add_project(tx, id_, project_id)

    def remove_project(self, ctx: RequestContext, id_: str, project_id: str,
                       ) -> None:
        """Let a project no longer use a private type."""
        with self._database.write() as tx:
            _require_private(_get(tx, ctx, id_).row)
            if not db.remove_project(tx, id_, project_id):
                raise exceptions.NotFound(
                    f'project {project_id} may not use volume type {id_} '
                    'anyway')


def _get(tx: Transaction, ctx: RequestContext, id_: str) -> Type:
    row = db.get(tx, id_, db.viewer(ctx))
    if row is None:
        raise exceptions.NotFound(f'volume type {id_} could not be found')
    return Type(row, db.extra_specs(tx, id_))


def _take_name(tx: Transaction, name: str) -> None:
    db.lock_names(tx)
    if db.by_name(tx, name) is not None:
        raise exceptions.Conflict(f'there is a volume type {name} already')


def _require_unused(tx: Transaction, row: db.Row) -> None:
    volumes = db.in_use(tx, row.id)
    if volumes:
        raise exceptions.Invalid(
            f'volume type {row.name} is in use', code=errors.TYPE_IN_USE,
            blockers=[f'{volumes} volumes'],
            remedy='delete its volumes first')


def _require_private(row: db.Row) -> None:
    if row.is_public:
        raise exceptions.Invalid(
            f'volume type {row.name} is public: every project may use it',
            remedy='make it private first')
