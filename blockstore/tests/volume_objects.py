"""Volumes and snapshots as a driver sees them, without a database."""

import dataclasses
import typing

from oslo_config import cfg
from oslo_utils import uuidutils

from blockstore.volume.drivers import base
from blockstore.volume.drivers import books
from blockstore.volume.drivers import loader


@dataclasses.dataclass
class Volume:
    """A volume of ``size`` GiB."""

    size: int = 1
    id: str = dataclasses.field(default_factory=uuidutils.generate_uuid)
    project_id: str = 'project'
    provider_location: str | None = None
    provider_auth: str | None = None

    @property
    def name(self) -> str:
        return f'volume-{self.id}'


@dataclasses.dataclass
class Snapshot:
    """A snapshot of a volume as big as it is now."""

    volume: Volume
    id: str = dataclasses.field(default_factory=uuidutils.generate_uuid)
    project_id: str = 'project'
    provider_location: str | None = None
    provider_auth: str | None = None

    def __post_init__(self) -> None:
        self.volume_id = self.volume.id
        self.volume_size = self.volume.size

    @property
    def name(self) -> str:
        return f'snapshot-{self.id}'

    @property
    def volume_name(self) -> str:
        return self.volume.name


def load_driver(name: str, book: base.Book | None = None,
                **options: typing.Any) -> base.Driver:
    """Load a driver by its name, with options of its back end's section."""
    conf = cfg.ConfigOpts()
    conf([], project='blockstore', default_config_files=[])
    probe = loader.find(name, name)
    loader.register(conf, name, probe.OPTS)
    for option, value in options.items():
        conf.set_override(option, value, group=name)
    return loader.load(conf, name, f'host@{name}',
                       books.MemoryBook() if book is None else book)
