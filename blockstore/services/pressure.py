"""Back-pressure: how many operations may be open before more are refused.

What is refused is refused before anything is changed, so nothing is lost: the
caller may ask again.  What the service starts for itself (the parts of a
backup, cleaning up) and what ends other work (deletion by force, attaching
and detaching) is never refused.

>>> with database.write() as tx:
...     pressure.admit(tx, project_id)
"""

import threading
import time

from oslo_config import cfg

from blockstore import exceptions
from blockstore.db import operations as db
from blockstore.db.engine import Transaction

_REMEDY = 'ask again when some of them have ended: GET /operations'
# Counted again after so many seconds, or when this part of what was free is
# used up: far from a limit nobody needs to count at each request.
_SECONDS = 10.0
_PART = 16
_REMEMBERED = 1000
# A project, and the limits that held: when they change, all is forgotten.
_Key = tuple[str, int, int]


class Pressure:
    """Counts what is open, and remembers how much room there was."""

    def __init__(self, conf: cfg.ConfigOpts) -> None:
        self._conf = conf
        self._lock = threading.Lock()
        self._room: dict[_Key, tuple[int, float]] = {}

    def admit(self, tx: Transaction, project_id: str) -> None:
        """Make sure that a project may start another operation.

        One statement, or none.  It takes no lock: requests at the same
        moment may go over a limit by as many as they are.

        :raises ProjectBusy: too many of its operations are open.
        :raises ServiceBusy: too many of all projects together are open.
        """
        of_project: int = self._conf.operations.max_open_of_project
        of_all: int = self._conf.operations.max_open
        key = project_id, of_project, of_all
        if (not of_project and not of_all) or self._known(key):
            return
        project, everybody = db.count_open(tx, project_id, of_project, of_all)
        if of_project and project >= of_project:
            raise exceptions.ProjectBusy(
                f'{of_project} operations of project {project_id} are open',
                blockers=[f'{of_project} open operations'], remedy=_REMEDY)
        if of_all and everybody >= of_all:
            raise exceptions.ServiceBusy(
                'too many operations are open', remedy='ask again later')
        self._remember(key, min(
            limit - open_ for limit, open_ in
            ((of_project, project), (of_all, everybody)) if limit))

    def _known(self, key: _Key) -> bool:
        """Take from the room that is known to be there, if any is."""
        with self._lock:
            room, until = self._room.get(key, (0, 0.0))
            if room <= 0 or time.monotonic() > until:
                return False
            self._room[key] = room - 1, until
            return True

    def _remember(self, key: _Key, free: int) -> None:
        with self._lock:
            if len(self._room) >= _REMEMBERED:
                self._room.clear()
            self._room[key] = free // _PART, time.monotonic() + _SECONDS
