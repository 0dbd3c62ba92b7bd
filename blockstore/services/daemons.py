"""Daemons: the services that run, seen and switched by administrators."""

import typing

from oslo_config import cfg

from blockstore import exceptions
from blockstore.context import RequestContext
from blockstore.db import services as db
from blockstore.db.engine import Database


class Daemon(typing.NamedTuple):
    """A service and whether it is up."""

    row: db.Row
    up: bool


class Daemons:
    """The use cases of ``/os-services``."""

    def __init__(self, conf: cfg.ConfigOpts, database: Database) -> None:
        self._conf = conf
        self._database = database

    def list(self, ctx: RequestContext, host: str | None = None,
             binary: str | None = None) -> list[Daemon]:
        """Return services; a host's name also finds its back ends."""
        with self._database.read() as tx:
            found = db.page(tx, host, binary)
            oldest = db.oldest(tx, self._conf.service.service_down_time)
        return [Daemon(row, db.is_up(row, oldest)) for row in found]

    def enable(self, ctx: RequestContext, host: str, binary: str) -> None:
        """Let a service get new work; raises NotFound."""
        self._switch(host, binary, disabled=False, reason=None)

    def disable(self, ctx: RequestContext, host: str, binary: str,
                reason: str | None = None) -> None:
        """Give a service no new work; raises NotFound.

        What it already does goes on.
        """
        self._switch(host, binary, disabled=True, reason=reason)

    def _switch(self, host: str, binary: str, *, disabled: bool,
                reason: str | None) -> None:
        with self._database.write() as tx:
            if not db.switch(tx, host, binary, disabled=disabled,
                             reason=reason):
                raise exceptions.NotFound(
                    f'there is no service {binary} on host {host}',
                    remedy='GET /os-services lists those that there are')
