"""From the configuration of a back end to its driver.

>>> driver = loader.load(conf, 'fast', 'node1@fast', book)
"""

import typing

from oslo_config import cfg
from oslo_log import log as logging
import stevedore
from stevedore import exception as stevedore_exception

from blockstore import exceptions
from blockstore.conf import volume as options
from blockstore.volume.drivers import base

LOG = logging.getLogger(__name__)

NAMESPACE = 'blockstore.volume.drivers'
# Needed before it is known which driver's options there are.
_FIRST = [option for option in options.BACKEND_OPTS
          if option.name in ('volume_driver', 'backend_host')]


def host_of(conf: cfg.ConfigOpts, backend_name: str) -> str:
    """Return the name that a back end's volumes belong to."""
    conf.register_opts(_FIRST, group=backend_name)
    host = conf[backend_name].backend_host or conf.service.host
    return f'{host}@{backend_name}'


def load(conf: cfg.ConfigOpts, backend_name: str, host: str, book: base.Book,
         ) -> base.Driver:
    """Make the driver of a back end; it is not set up yet.

    The options of all back ends and of the driver are registered for the
    section ``[<backend_name>]``.

    :param host: the service's host, ``host@backend``.
    :raises DriverError: when there is no such driver, or it cannot be
        imported.
    """
    conf.register_opts(_FIRST, group=backend_name)
    plugin = find(conf[backend_name].volume_driver or backend_name,
                  backend_name)
    if conf[backend_name].backend_host and not plugin.SHAREABLE:
        raise exceptions.DriverError(
            f'back end {backend_name}: {plugin.__name__} cannot be served by '
            'several hosts', remedy=f'take backend_host out of '
                                    f'[{backend_name}]')
    register(conf, backend_name, plugin.OPTS)
    group = conf[backend_name]
    LOG.info('Back end %s uses the driver %s', backend_name, plugin.__name__)
    return plugin.class_for(group)(group, host, book)


def register(conf: cfg.ConfigOpts, backend_name: str,
             driver_opts: list[cfg.Opt]) -> None:
    """Register what a back end's section may hold.

    A driver's own option takes the place of the common one of its name, for
    its default and its help.
    """
    own = {option.name for option in driver_opts}
    common = [option for option in options.BACKEND_OPTS
              if option.name not in own]
    conf.register_opts(driver_opts + common, group=backend_name)


def find(name: str, backend_name: str) -> type[base.Driver]:
    """Return the class of an entry point; raises DriverError without one."""
    failures: list[BaseException] = []
    try:
        manager: typing.Any = stevedore.DriverManager(
            NAMESPACE, name, on_load_failure_callback=(
                lambda _manager, _entry, error: failures.append(error)))
    except stevedore_exception.NoMatches as error:
        if failures:
            raise exceptions.DriverError(
                f'back end {backend_name}: the volume driver {name!r} cannot '
                f'be imported: {failures[0]}') from failures[0]
        known = ', '.join(sorted(stevedore.ExtensionManager(
            NAMESPACE).entry_points_names()))
        raise exceptions.DriverError(
            f'back end {backend_name}: there is no volume driver {name!r}',
            remedy=f'set volume_driver in [{backend_name}] to one of {known}',
            ) from error
    return typing.cast('type[base.Driver]', manager.driver)
