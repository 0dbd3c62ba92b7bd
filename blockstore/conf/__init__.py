"""Every option of blockstore, one module per section.

A section module has ``OPTS`` (a list of oslo.config options), ``GROUP`` (the
section's name) and nothing else that other modules need.  Code takes the
configuration object as an argument; only entry points and tests use ``CONF``
itself (oslo.messaging needs the global one).
"""

import importlib

from oslo_config import cfg

SECTIONS = ('api', 'auth', 'backup', 'database', 'lvm', 'memory',
            'observability', 'operations', 'qsd', 'quota', 'rpc', 'scheduler',
            'service', 'store', 'upgrade_levels', 'volume')

CONF = cfg.CONF


def register(conf: cfg.ConfigOpts) -> None:
    """Register every option on a configuration object; may be repeated."""
    for name in SECTIONS:
        section = importlib.import_module(f'blockstore.conf.{name}')
        conf.register_opts(section.OPTS, group=section.GROUP)


def list_opts() -> list[tuple[str, list[cfg.Opt]]]:
    """List the options for oslo-config-generator."""
    # Only back ends that need root load it, see blockstore.privileged.
    from oslo_privsep import priv_context
    sections = [importlib.import_module(f'blockstore.conf.{name}')
                for name in SECTIONS]
    return [*((section.GROUP, list(section.OPTS)) for section in sections),
            ('privileged', priv_context.OPTS)]
