"""Guru Meditation Reports: what a process does right now, on SIGUSR2.

Besides the threads and the configuration without secrets there is a section
for each title that the services have something to tell about, such as the
operations that they hold.
"""

from collections.abc import Sequence
from importlib import metadata

from oslo_config import cfg
from oslo_reports import guru_meditation_report
from oslo_reports import opts

from blockstore.service import base


class _Version:
    """The product's name and version, as the report asks for them."""

    def vendor_string(self) -> str:
        return 'blockstore'

    def product_string(self) -> str:
        return 'blockstore'

    def version_string_with_package(self) -> str:
        try:
            return metadata.version('blockstore')
        except metadata.PackageNotFoundError:
            return 'not installed'


class _Report(guru_meditation_report.TextGuruMeditation):
    """The report of one process, with sections of its own."""


class _Section:
    """Asks the services for what they tell under a title."""

    def __init__(self, title: str, services: Sequence[base.Service]) -> None:
        self._title = title
        self._services = services

    def __call__(self) -> str:
        lines = [line for service in self._services
                 for line in service.describe().get(self._title, ())]
        return '\n'.join(lines) or 'none'


def install(conf: cfg.ConfigOpts,
            services: Sequence[base.Service] = ()) -> None:
    """Answer SIGUSR2 with a report; call on the main thread.

    :param services: which tell of themselves in it.
    :param conf: ``[oslo_reports]`` tells where reports go.
    """
    opts.set_defaults(conf)
    titles = dict.fromkeys(title for service in services
                           for title in service.describe())
    _Report.persistent_sections = [
        (title, _Section(title, services)) for title in titles]
    _Report.setup_autorun(
        _Version(), service_name=conf.prog, conf=conf)
