"""The options of one back end, resolved."""

import dataclasses
import typing

from blockstore.conf import lvm as options

GIB = 1 << 30


@dataclasses.dataclass(frozen=True)
class Settings:
    """What the rooms of this driver need of the configuration."""

    backend_name: str
    group: str
    thin: bool
    pool: str
    pool_size: int | None
    local_hosts: frozenset[str]
    target_helper: str
    target_address: str
    target_port: int
    iqn_prefix: str
    reserved_percentage: int
    over_subscription: float


def from_conf(conf: typing.Any, host: str) -> Settings:
    """Read the options; one that the object lacks has its default.

    :param conf: an object whose attributes are options.
    :param host: ``host@backend``.
    """
    defaults = {option.dest: option.default for option in options.OPTS}

    def value(name: str) -> typing.Any:
        return getattr(conf, name, defaults[name])

    machine, _, backend = host.rpartition('@')
    return Settings(
        backend_name=value('volume_backend_name') or backend,
        group=value('lvm_volume_group'),
        thin=value('lvm_type') == 'thin',
        pool=value('lvm_pool'),
        pool_size=value('lvm_pool_size_gb') * GIB or None,
        local_hosts=frozenset([machine, *value('lvm_local_hosts')]),
        target_helper=value('lvm_target_helper'),
        target_address=value('lvm_target_address'),
        target_port=value('lvm_target_port'),
        iqn_prefix=value('lvm_iqn_prefix'),
        reserved_percentage=value('reserved_percentage'),
        over_subscription=value('max_over_subscription_ratio'))
