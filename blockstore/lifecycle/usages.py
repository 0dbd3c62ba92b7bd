"""The usage of projects is the sum over their rows: looked after.

It is so by itself (:mod:`blockstore.db.usage`), unless rows were changed by
hand, or by a service of a release that did not count yet.  An :class:`Audit`
reads the rows of one project at a time, so that it is never much work, and
mends what differs.
"""

from oslo_log import log as logging

from blockstore import metrics
from blockstore.db import quotas
from blockstore.db import retry
from blockstore.db import usage
from blockstore.db.engine import Database

LOG = logging.getLogger(__name__)
#: Seconds between two projects.
INTERVAL = 60


class Audit:
    """Looks through all projects, again and again."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._last = ''

    def look(self) -> bool:
        """Look at the next project; tell whether it was mended."""
        with self._database.read() as tx:
            project_id = usage.next_project(tx, self._last)
        self._last = project_id or ''
        return project_id is not None and mend(self._database, project_id)


@retry.whole
def mend(database: Database, project_id: str) -> bool:
    """Make a project's usage the sum over its rows; tell if it was not."""
    with database.write() as tx:
        quotas.lock(tx, project_id)
        mended = usage.repair(tx, project_id)
    if mended:
        metrics.USAGES_MENDED.labels('quota').inc()
        LOG.warning('The usage of project %s was not the sum over its rows; '
                    'it is now', project_id)
    return mended
