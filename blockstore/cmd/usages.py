"""``blockstore-manage quota``: what projects use, counted anew.

    blockstore-manage quota sync
"""

from oslo_config import cfg

from blockstore.cmd import assembly
from blockstore.db import usage
from blockstore.lifecycle import usages


def sync(conf: cfg.ConfigOpts) -> int:
    """Count what projects use anew, and mend what differs."""
    database = assembly.database(conf)
    with database.read() as tx:
        projects = conf.command.project or usage.projects(tx)
    mended = [one for one in projects if usages.mend(database, one)]
    for one in mended:
        print(f'{one}: mended')
    print(f'{len(projects)} projects, {len(mended)} mended')
    return 0
