"""Which parts make up which daemon.

The same parts run in one process (``blockstore-all``) or in many; only the
transport URL, the database URL and the entry point differ.  The web part has a
module of its own (:mod:`blockstore.cmd.web`), which the other daemons do not
load: it is half of all there is.
"""

from collections.abc import Sequence
import gc
import pathlib
import sys

from oslo_concurrency import lockutils
from oslo_config import cfg
from oslo_log import log as logging
import prometheus_client as prometheus

from blockstore import exceptions
from blockstore import manager
from blockstore import metrics
from blockstore.cmd import common
from blockstore.conf import CONF
from blockstore.db import engine
from blockstore.db import schema
from blockstore.lifecycle import slots
from blockstore.monitoring import facts
from blockstore.monitoring import health
from blockstore.monitoring import listener
from blockstore.monitoring import pages
from blockstore.notifications.publisher import Publisher
from blockstore.service import base
from blockstore.service import runner

LOG = logging.getLogger(__name__)


def prepare(prog: str, argv: Sequence[str] | None = None) -> cfg.ConfigOpts:
    """Read the configuration for a daemon."""
    # What was loaded stays, so the collector need not look at it, nor touch
    # (and so copy) it in each worker process.
    gc.freeze()
    engine.register_options(CONF)
    conf = common.prepare(sys.argv[1:] if argv is None else argv, prog)
    # Libraries that lock between processes of a host (os-brick) need it.
    if not lockutils.get_lock_path(conf):
        lockutils.set_defaults(f'{conf.service.state_path}/locks')
    return conf


def database(conf: cfg.ConfigOpts) -> engine.Database:
    """Open the configured database; SQLite in the state path by default."""
    if conf.database.connection is None:
        pathlib.Path(conf.service.state_path).mkdir(
            mode=0o750, parents=True, exist_ok=True)
        conf.set_default(
            'connection',
            f'sqlite:///{conf.service.state_path}/blockstore.sqlite',
            group='database')
    return engine.Database.from_conf(conf)


def migrated(conf: cfg.ConfigOpts) -> engine.Database:
    """Open the database for a daemon, once it has the tables for it.

    :raises SystemExit: it has not.
    """
    opened = database(conf)
    try:
        schema.await_needed(opened, conf.database.migration_timeout)
    except exceptions.Unavailable as error:
        LOG.error('%s; %s', error.message, error.remedy)
        raise SystemExit(1) from error
    return opened


def watched(conf: cfg.ConfigOpts, opened: engine.Database | None,
            ) -> list[prometheus.CollectorRegistry]:
    """Return what is scraped: this process's counts and the facts.

    :param opened: the database to ask; None: it is asked elsewhere.
    """
    if opened is None:
        return [metrics.registry()]
    facts_ = prometheus.CollectorRegistry()
    facts_.register(facts.Facts(conf, opened))
    return [metrics.registry(), facts_]


def serve(conf: cfg.ConfigOpts, services: Sequence[base.Service],
          publisher: Publisher | None = None) -> int:
    """Run services until a signal ends them; return the exit code.

    :param publisher: of notifications, if there is one already.
    """
    publisher = publisher or Publisher(conf)
    places = slots.Shared(lambda: int(conf.operations.daemon_workers))
    for service in services:
        if isinstance(service, manager.Manager):
            publisher.remember(service.database)
            service.worker.watch(publisher)
            service.worker.share(places)
    every = [publisher, *services]
    if conf.observability.port is not None:
        opened = next((
            service.database for service in services
            if isinstance(service, manager.Manager)
            and service.name == 'scheduler'), None)
        every = [listener.Listener(conf, pages.Pages(
            watched(conf, opened), health.Health(conf, every, {}))), *every]
    return runner.Runner(every, conf).run()
