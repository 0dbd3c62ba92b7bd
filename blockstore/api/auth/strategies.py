"""Which middleware finds out who asks: ``[auth] strategy``.

Only the chosen one is imported, for Keystone's takes its time.
"""

from collections.abc import Callable
import importlib
from typing import Any

from oslo_config import cfg

from blockstore.api import policy
from blockstore.api import response


def _chosen(conf: cfg.ConfigOpts) -> Any:
    return importlib.import_module(f'{__package__}.{conf.auth.strategy}')


def check(conf: cfg.ConfigOpts) -> None:
    """Refuse settings with which nobody, or everybody, could get in.

    To be called before anything listens.

    :raises exceptions.Invalid: with a remedy.
    """
    _chosen(conf).check(conf)


def wrap(app: response.App, conf: cfg.ConfigOpts,
         enforcer: policy.Enforcer) -> response.App:
    """Put the middleware of the strategy before an application."""
    middleware: Callable[..., response.App] = _chosen(conf).Middleware
    return middleware(app, conf, enforcer)
