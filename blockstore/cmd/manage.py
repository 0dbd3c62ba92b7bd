"""``blockstore-manage``: what an operator does by hand.

    blockstore-manage db sync
    blockstore-manage service list
    blockstore-manage operation list
    blockstore-manage explain 1b2c3d4e-…
    blockstore-manage quota explain 0123456789abcdef0123456789abcdef
    blockstore-manage store verify --all-bytes
    blockstore-manage user set alice --role admin
"""

import argparse
from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Sequence
import json
import sys
import typing

from oslo_config import cfg
from oslo_db import exception as db_exception

from blockstore import context
from blockstore import exceptions
from blockstore.backup import rebuild
from blockstore.backup.store.repository import Repository
from blockstore.cmd import assembly
from blockstore.cmd import common
from blockstore.cmd import usages
from blockstore.cmd import users
from blockstore.db import engine
from blockstore.db import listing
from blockstore.db import migration
from blockstore.db import operations as db_operations
from blockstore.db import schema
from blockstore.db import services as db_services
from blockstore.lifecycle import explain
from blockstore.lifecycle import explain_services
from blockstore.lifecycle import operations
from blockstore.rpc import versions
from blockstore.services import explain_quota

Command = Callable[[cfg.ConfigOpts], int]
PROG = 'blockstore-manage'


# Database.

def db_sync(conf: cfg.ConfigOpts) -> int:
    """Bring the database to what this release needs."""
    database = assembly.database(conf)
    migration.sync(database)
    print(f'The database is at revision {schema.version(database)}.')
    return 0


def db_version(conf: cfg.ConfigOpts) -> int:
    """Show the revision of the database."""
    print(schema.version(assembly.database(conf)) or 'none')
    return 0


# Services and operations.

def service_list(conf: cfg.ConfigOpts) -> int:
    """List the services and whether they are up."""
    with assembly.database(conf).read() as tx:
        found = db_services.page(tx)
        oldest = db_services.oldest(tx, conf.service.service_down_time)
    _table(('BINARY', 'HOST', 'ZONE', 'STATUS', 'STATE', 'RPC', 'OBJECTS',
            'LAST REPORT'), (
        (row.binary, row.host, row.availability_zone,
         'disabled' if row.disabled else 'enabled',
         'up' if db_services.is_up(row, oldest) else 'down',
         row.rpc_version or versions.FIRST, row.object_version or '-',
         f'{explain_services.age(row.reported_at)} ago' if row.reported_at
         else 'never') for row in found))
    return 0


def service_remove(conf: cfg.ConfigOpts) -> int:
    """Forget a service that will not come back."""
    host, binary = conf.command.host, conf.command.binary
    with assembly.database(conf).write() as tx:
        if not db_services.delete(tx, host, binary):
            raise exceptions.NotFound(
                f'there is no service {binary} on host {host}',
                remedy=f'{PROG} service list shows those that there are')
    print(f'{binary} on host {host} is forgotten. If it runs after all, its '
          'next report brings it back.')
    return 0


def operation_list(conf: cfg.ConfigOpts) -> int:
    """List operations, the newest first."""
    states = list(db_operations.OPEN)
    if conf.command.all:
        states = []
    query = listing.ListQuery(
        limit=conf.command.limit, all_tenants=True,
        filters={'state': states} if states else {})
    with assembly.database(conf).read() as tx:
        found = listing.select(tx, context.for_service(), db_operations.Row,
                               query)
    _table(('ID', 'KIND', 'RESOURCE', 'STATE', 'STEP', 'ATTEMPT', 'AGE',
            'WORKER'), (
        (row.id, row.kind, row.resource_id, row.state, row.step or '-',
         str(row.attempt), explain_services.age(row.created_at),
         row.lease_owner or '-') for row in found))
    return 0


def operation_show(conf: cfg.ConfigOpts) -> int:
    """Show everything that is known of an operation, as JSON."""
    with assembly.database(conf).read() as tx:
        row = typing.cast(typing.Any, db_operations.get(tx, conf.command.id))
    if row is None:
        raise exceptions.NotFound(f'there is no operation {conf.command.id}')
    print(json.dumps(dict(row._mapping), indent=2, default=str))
    return 0


def operation_cancel(conf: cfg.ConfigOpts) -> int:
    """Ask an operation to stop at its next check; a backup has them."""
    with assembly.database(conf).write() as tx:
        if not db_operations.cancel_one(tx, conf.command.id):
            raise _not_open(conf.command.id)
    print('It stops at its next check, and ends as cancelled. What has no '
          'check ends as it would have.')
    return 0


def operation_release(conf: cfg.ConfigOpts) -> int:
    """Take an operation away from its worker, for another to go on with."""
    with assembly.database(conf).write() as tx:
        if not db_operations.free(tx, conf.command.id, {}):
            raise _not_open(conf.command.id)
    print('It is taken up again by any service that may. Whoever had it '
          'notices at its next write, and touches nothing more.')
    return 0


def operation_fail(conf: cfg.ConfigOpts) -> int:
    """Give an operation up: the next to take it up ends it as failed."""
    with assembly.database(conf).write() as tx:
        if not db_operations.free(tx, conf.command.id, {
                operations.GIVEN_UP: conf.command.reason}):
            raise _not_open(conf.command.id)
    print('The next service to take it up does nothing but end it: what it '
          'worked on gets the status of a failure, and what is left over is '
          'removed.')
    return 0


def _not_open(id_: str) -> exceptions.NotFound:
    return exceptions.NotFound(
        f'there is no open operation {id_}',
        remedy=f'{PROG} operation list shows those that there are')


def explain_resource(conf: cfg.ConfigOpts) -> int:
    """Say what holds a resource, since when, and what comes next."""
    with assembly.database(conf).read() as tx:
        for sentence in explain.explain(tx, conf, conf.command.id):
            print(sentence)
    return 0


def quota_explain(conf: cfg.ConfigOpts) -> int:
    """Say what uses a project's quota, and what comes free."""
    with assembly.database(conf).read() as tx:
        for sentence in explain_quota.explain(tx, conf, conf.command.project):
            print(sentence)
    return 0


# The backup store.

def store_verify(conf: cfg.ConfigOpts) -> int:
    """Check that every backup in the store can be restored."""
    report = Repository.from_conf(conf).verify(
        all_bytes=conf.command.all_bytes, set_aside=conf.command.set_aside)
    print(f'{report.backups} backups and {report.chunks} chunks looked at, '
          f'{report.bytes_read} bytes proven.')
    for name, reason in report.damaged.items():
        print(f'damaged: {name}: {reason}')
    for name, place in report.set_aside.items():
        print(f'set aside: {name}: now {place}')
    for name in report.missing:
        print(f'missing: {name}')
    for name in report.affected:
        print(f'cannot be restored: {name}')
    for id_ in report.unfinished:
        print(f'unfinished: {id_}')
    print(f'{report.orphans} objects that nothing reaches: prune removes '
          'them.')
    if report.set_aside:
        print('The next backup that has the same bytes heals what was set '
              'aside.')
    print('Every backup can be restored.' if report.ok
          else 'NOT every backup can be restored.')
    return 0 if report.ok else 1


def store_prune(conf: cfg.ConfigOpts) -> int:
    """Remove what no backup reaches, in two steps a grace time apart."""
    report = Repository.from_conf(conf).prune(
        conf.command.grace, dry_run=conf.command.dry_run)
    if conf.command.dry_run:
        print('Nothing was changed; this is what would be done.')
    print(f'{report.deleted} objects deleted ({report.bytes_deleted} bytes), '
          f'{report.set_aside} set aside, {report.waiting} still waiting, '
          f'{report.rescued} moved back; {report.live} are needed, '
          f'{report.young} are too young to tell.')
    return 0


def store_rebuild(conf: cfg.ConfigOpts) -> int:
    """Add rows for backups that only the store knows."""
    report = rebuild.rebuild(
        assembly.database(conf), Repository.from_conf(conf),
        host=conf.service.host, dry_run=conf.command.dry_run)
    verb = 'would be added' if conf.command.dry_run else 'added'
    for id_ in report.added:
        print(f'{verb}: {id_}')
    for id_ in report.deleted:
        print(f'deleted in the database, but still in the store: {id_}')
    print(f'{len(report.added)} {verb}, {report.known} known already.')
    return 0


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; 0 is success, 1 a finding, 2 a failure."""
    conf = cfg.ConfigOpts()
    conf.register_cli_opt(cfg.SubCommandOpt(
        'command', title='Commands', handler=_add_commands))
    engine.register_options(conf)
    common.prepare(sys.argv[1:] if argv is None else argv, PROG, conf=conf)
    try:
        return int(conf.command.run(conf))
    except exceptions.BlockstoreError as error:
        print(f'{PROG}: {error.message} ({error.code})', file=sys.stderr)
        for blocker in error.blockers:
            print(f'  because of: {blocker}', file=sys.stderr)
        if error.remedy:
            print(f'  what to do: {error.remedy}', file=sys.stderr)
    except db_exception.DBError as error:
        print(f'{PROG}: the database cannot be used: {error}\n'
              f'  what to do: {PROG} db sync, if it is new', file=sys.stderr)
    return 2


def _add_commands(parsers: typing.Any) -> None:
    """Describe the command line to argparse."""
    db = _group(parsers, 'db', 'The database.')
    _command(db, 'sync', db_sync)
    _command(db, 'version', db_version)
    service = _group(parsers, 'service', 'The services that run.')
    _command(service, 'list', service_list)
    removed = _command(service, 'remove', service_remove)
    removed.add_argument('host')
    removed.add_argument('binary', choices=(
        db_services.SCHEDULER, db_services.VOLUME, db_services.BACKUP))
    operation = _group(parsers, 'operation', 'Work under way.')
    found = _command(operation, 'list', operation_list)
    found.add_argument('--all', action='store_true',
                       help='closed ones too')
    found.add_argument('--limit', type=int, default=100)
    _command(operation, 'show', operation_show).add_argument('id')
    _command(operation, 'cancel', operation_cancel).add_argument('id')
    _command(operation, 'release', operation_release).add_argument('id')
    failed = _command(operation, 'fail', operation_fail)
    failed.add_argument('id')
    failed.add_argument('--reason', default='an operator gave it up',
                        help='what its owner is told')
    _command(parsers, 'explain', explain_resource).add_argument(
        'id', help='of a volume, snapshot, backup, attachment or operation, '
                   'or a host')
    quota = _group(parsers, 'quota', 'What projects may have.')
    _command(quota, 'explain', quota_explain).add_argument(
        'project', help='its id')
    _command(quota, 'sync', usages.sync).add_argument(
        'project', nargs='*', help='an id; all projects if none is named')
    user = _group(parsers, 'user', 'The users of [auth] strategy = '
                                   'http_basic.')
    _command(user, 'list', users.show)
    _command(user, 'remove', users.remove).add_argument('user')
    kept = _command(user, 'set', users.keep)
    kept.add_argument('user')
    kept.add_argument('--project', metavar='ID',
                      help='instead of [auth] http_basic_project')
    kept.add_argument('--role', action='append', metavar='ROLE',
                      help='instead of [auth] http_basic_roles; may be '
                           'repeated')
    store = _group(parsers, 'store', 'The backup store.')
    verify = _command(store, 'verify', store_verify)
    verify.add_argument(
        '--all-bytes', action='store_true',
        help='read and prove every byte, not only what tells of it')
    verify.add_argument(
        '--set-aside', action='store_true',
        help='move damaged chunks and segments away, so that the next backup '
             'that has the same bytes stores them again')
    prune = _command(store, 'prune', store_prune)
    prune.add_argument('--grace', type=float, metavar='SECONDS',
                       help='instead of [store] prune_grace; less is safe '
                            'only while no backup runs')
    for parser in (prune, _command(store, 'rebuild', store_rebuild)):
        parser.add_argument('--dry-run', action='store_true',
                            help='only tell what would be done')


def _group(parsers: typing.Any, name: str, words: str) -> typing.Any:
    parser = parsers.add_parser(name, help=words, description=words)
    return parser.add_subparsers(required=True, metavar='COMMAND')


def _command(parsers: typing.Any, name: str, run: Command,
             ) -> argparse.ArgumentParser:
    words = (run.__doc__ or '').partition('\n')[0]
    parser: argparse.ArgumentParser = parsers.add_parser(
        name, help=words, description=words)
    parser.set_defaults(run=run)
    return parser


def _table(titles: Sequence[str], lines: Iterable[Sequence[str]]) -> None:
    """Print columns as wide as they need to be."""
    table = [titles, *lines]
    widths = [max(len(line[column]) for line in table)
              for column in range(len(titles))]
    for line in table:
        print('  '.join(cell.ljust(width) for cell, width in zip(
            line, widths, strict=True)).rstrip())


if __name__ == '__main__':
    sys.exit(main())
