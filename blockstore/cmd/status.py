"""``blockstore-status upgrade check``: may this release be started?

Exit codes are those of oslo.upgradecheck: 0 yes, 1 yes but read the warnings,
2 no.
"""

from collections.abc import Callable
from collections.abc import Mapping
from collections.abc import Sequence
import sys
import typing

from oslo_config import cfg
from oslo_db import exception as db_exception
from oslo_upgradecheck import upgradecheck
from stevedore import exception as stevedore_exception

from blockstore import exceptions
from blockstore.api.auth import strategies
from blockstore.backup.stores import loader
from blockstore.cmd import assembly
from blockstore.cmd import common
from blockstore.conf import upgrade_levels
from blockstore.db import engine
from blockstore.db import schema
from blockstore.db import services as db_services
from blockstore.rpc import versions

Code = upgradecheck.Code
Result = upgradecheck.Result
PROG = 'blockstore-status'


class Checks(upgradecheck.UpgradeCommands):
    """What is looked at before an upgrade."""

    def __init__(self, conf: cfg.ConfigOpts) -> None:
        super().__init__()
        self._conf = conf

    def check_database(self) -> typing.Any:
        """Tell whether the database has the tables of this release."""
        try:
            schema.check(assembly.database(self._conf))
        except exceptions.Unavailable as error:
            return Result(Code.FAILURE, f'{error.message}; {error.remedy}')
        except db_exception.DBError as error:
            return Result(Code.FAILURE,
                          f'the database cannot be reached: {error}')
        return Result(Code.SUCCESS)

    def check_services(self) -> typing.Any:
        """Tell of services that are enabled and do not report."""
        down_time = self._conf.service.service_down_time
        try:
            with assembly.database(self._conf).read() as tx:
                oldest = db_services.oldest(tx, down_time)
                down = [f'{row.binary} on {row.host}'
                        for row in db_services.page(tx)
                        if not row.disabled
                        and not db_services.is_up(row, oldest)]
        except db_exception.DBError:
            return Result(Code.FAILURE, 'the services cannot be listed')
        if down:
            return Result(Code.WARNING, 'down: ' + ', '.join(down)
                          + '; disable those that will not come back')
        return Result(Code.SUCCESS)

    def check_versions(self) -> typing.Any:
        """Tell of daemons of different releases, and of wrong pins."""
        down_time = self._conf.service.service_down_time
        worst, told = Code.SUCCESS, []
        try:
            with assembly.database(self._conf).read() as tx:
                oldest = db_services.oldest(tx, down_time)
                living = [row for row in db_services.page(tx)
                          if db_services.is_up(row, oldest)]
        except db_exception.DBError:
            return Result(Code.FAILURE, 'the services cannot be listed')
        for service in versions.RPC:
            spoken = {row.host: row.rpc_version or versions.FIRST
                      for row in living
                      if row.binary == f'cinder-{service}'}
            code, words = _judge(service, spoken,
                                 self._conf.upgrade_levels[service])
            worst = max(worst, code)
            told += words
        return Result(worst, '; '.join(told) or None)

    def check_store(self) -> typing.Any:
        """Tell whether the backup store's backend can be loaded."""
        try:
            loader.load(self._conf)
        except (stevedore_exception.NoMatches,
                exceptions.BlockstoreError, OSError) as error:
            return Result(Code.FAILURE,
                          f'[store] driver = {self._conf.store.driver}: '
                          f'{error}')
        return Result(Code.SUCCESS)

    def check_configuration(self) -> typing.Any:
        """Tell of settings that contradict each other or are dangerous."""
        try:
            strategies.check(self._conf)
        except exceptions.Invalid as error:
            return Result(Code.FAILURE, f'{error.message}; {error.remedy}')
        service = self._conf.service
        if service.service_down_time < 2 * service.report_interval:
            return Result(
                Code.WARNING,
                '[service] service_down_time should be two report_intervals '
                'at least, or living services count as down')
        return Result(Code.SUCCESS)

    _upgrade_checks: tuple[tuple[str, Callable[..., typing.Any]], ...] = (
        ('Database', check_database),
        ('Services', check_services),
        ('Versions', check_versions),
        ('Backup store', check_store),
        ('Configuration', check_configuration),
    )


def _judge(service: str, spoken: Mapping[str, str], pin: str,
           ) -> tuple[typing.Any, list[str]]:
    """Judge the versions that the hosts of a service speak, and its pin."""
    lowest = versions.lowest(spoken.values())
    if lowest is None:
        return Code.SUCCESS, []
    option = f'[upgrade_levels] {service} = {pin}'
    if pin != upgrade_levels.AUTO and (
            versions.parse(pin) > versions.parse(lowest)):
        behind = ', '.join(f'{host} ({version})'
                           for host, version in sorted(spoken.items())
                           if version == lowest)
        return Code.FAILURE, [f'{option}, but an older one is spoken by '
                              f'{behind}']
    if len(set(spoken.values())) > 1:
        who = ', '.join(f'{host} speaks {version}'
                        for host, version in sorted(spoken.items()))
        return Code.WARNING, [f'{service}: {who}: nothing newer is sent than '
                              'the oldest on a topic knows; upgrade the rest']
    if pin != upgrade_levels.AUTO and pin != lowest:
        return Code.WARNING, [f'{option} can be taken away: all speak '
                              f'{lowest}']
    return Code.SUCCESS, []


def main(argv: Sequence[str] | None = None) -> int:
    """Run the checks that the command line names."""
    conf = cfg.ConfigOpts()
    upgradecheck.register_cli_options(conf, Checks(conf))
    engine.register_options(conf)
    common.prepare(sys.argv[1:] if argv is None else argv, PROG, conf=conf)
    # Where the library looks for --json.
    upgradecheck.CONF = conf
    return int(upgradecheck.run(conf))


if __name__ == '__main__':
    sys.exit(main())
