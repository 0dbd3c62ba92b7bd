"""The web part of a daemon: the API, and what tells how the process is."""

import typing

from oslo_config import cfg

from blockstore.api import app
from blockstore.api import response
from blockstore.api.auth import strategies
from blockstore.cmd import assembly
from blockstore.db.engine import Database
from blockstore.monitoring import checks
from blockstore.monitoring import health
from blockstore.monitoring import pages
from blockstore.notifications.publisher import Publisher
from blockstore.rpc.clients import Clients
from blockstore.services.container import Services


def application(conf: cfg.ConfigOpts, database: Database,
                transport: typing.Any, publisher: Publisher,
                ) -> response.App:
    """Make the API application; refuses a strategy that cannot work."""
    strategies.check(conf)
    publisher.remember(database)
    return pages.Pages(
        assembly.watched(conf, database),
        health.Health(conf, [], checks.of(conf, database, transport)),
        app.make_app(conf, Services(
            conf, database, Clients(transport, conf, database, publisher))),
        conf.observability.metrics_allowed)
