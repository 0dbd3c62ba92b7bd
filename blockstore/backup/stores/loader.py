"""The backend that the configuration asks for, with its wrappers."""

import typing

from oslo_config import cfg
from stevedore import driver

from blockstore.backup.stores import base
from blockstore.backup.stores import wrappers

NAMESPACE = 'blockstore.backup.stores'


def load(conf: cfg.ConfigOpts) -> base.Backend:
    """Make the backend named by ``[store] driver``.

    The entry point is a class with ``from_conf(conf)``.

    :raises stevedore.exception.NoMatches: nothing is registered by that name.
    """
    loaded: driver.DriverManager[typing.Any]
    loaded = driver.DriverManager(NAMESPACE, conf.store.driver)
    kind: typing.Any = loaded.driver
    backend: base.Backend = kind.from_conf(conf)
    return wrappers.Retrying(wrappers.Guarded(backend))
