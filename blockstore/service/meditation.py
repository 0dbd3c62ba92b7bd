"""Guru Meditation Reports: what every thread does right now, on SIGUSR2."""

from importlib import metadata

from oslo_config import cfg
from oslo_reports import guru_meditation_report
from oslo_reports import opts


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


def install(conf: cfg.ConfigOpts) -> None:
    """Answer SIGUSR2 with a report; call on the main thread.

    :param conf: ``[oslo_reports]`` tells where reports go.
    """
    opts.set_defaults(conf)
    guru_meditation_report.TextGuruMeditation.setup_autorun(
        _Version(), service_name=conf.prog, conf=conf)
