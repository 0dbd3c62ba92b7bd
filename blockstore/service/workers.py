"""A bounded pool of threads that is fair between projects.

Tasks of one key (a project) run in the order in which they came; the keys
take turns, so that a project with a thousand operations does not hold up one
with a single operation.  When the pool is full it refuses: the operation
stays due in the database and is offered again.  A task that already waits or
runs is not taken twice.

>>> pool = WorkerPool('volume', max_workers=8, max_waiting=64)
>>> pool.submit(operation.project_id, operation.id, work, operation.id)
True
"""

import collections
from collections.abc import Callable
import threading
import typing

from oslo_log import log as logging

from blockstore.service import base

LOG = logging.getLogger(__name__)


class _Task(typing.NamedTuple):
    task_id: str
    function: Callable[[], object]


class WorkerPool(base.Service):
    """Runs tasks in at most ``max_workers`` threads.

    :param name: prefix of the threads' names.
    :param max_workers: how many tasks run at the same time.
    :param max_waiting: how many more may wait for a free thread.
    :param on_room: called without arguments, in a worker's thread, when a
        task has ended and none waits: the moment to look for more.
    """

    def __init__(self, name: str, max_workers: int, max_waiting: int, *,
                 on_room: Callable[[], object] | None = None) -> None:
        self.name = name
        self._max_workers = max_workers
        self._max_waiting = max_waiting
        self._on_room = on_room
        self._changed = threading.Condition()
        # The order of the dictionary is the order of the keys' turns.
        self._waiting: dict[str, collections.deque[_Task]] = {}
        self._known: set[str] = set()
        self._running = 0
        self._idle = 0
        self._threads: list[threading.Thread] = []
        #: Set when the pool stops: a long task looks at it between steps.
        self.stopping = threading.Event()

    def start(self) -> None:
        """Do nothing: threads come with the work."""

    def submit(self, key: str, task_id: str,
               function: Callable[..., object], *args: object) -> bool:
        """Offer a task; tell whether it will run or already does.

        :param key: whose turn it takes, for instance a project id.
        :param task_id: a task with an id that waits or runs is not taken
            again.
        :returns: False when there is no room or the pool stops.
        """
        task = _Task(task_id, lambda: function(*args))
        with self._changed:
            if task_id in self._known:
                return True
            waiting = len(self._known) - self._running
            free = self._max_workers - self._running
            if self.stopping.is_set() or (
                    waiting >= free + self._max_waiting):
                return False
            self._known.add(task_id)
            self._waiting.setdefault(key, collections.deque()).append(task)
            if self._idle <= waiting and (
                    len(self._threads) < self._max_workers):
                self._add_thread()
            self._changed.notify()
            return True

    def busy(self) -> tuple[int, int]:
        """Tell how many tasks run and how many wait."""
        with self._changed:
            return self._running, len(self._known) - self._running

    def stop(self, deadline: float) -> None:
        """Drop what waits and wait for what runs.

        What is dropped stays due in the database.
        """
        with self._changed:
            self.stopping.set()
            for tasks in self._waiting.values():
                self._known.difference_update(
                    task.task_id for task in tasks)
            self._waiting.clear()
            self._changed.notify_all()
            self._changed.wait_for(lambda: not self._running,
                                   base.remaining(deadline))
            left = sorted(self._known)
        if left:
            LOG.warning('%s: still running at the deadline: %s',
                        self.name, ', '.join(left))

    def _add_thread(self) -> None:
        thread = threading.Thread(
            target=self._run, name=f'{self.name}-{len(self._threads)}',
            daemon=True)
        self._threads.append(thread)
        thread.start()

    def _run(self) -> None:
        while True:
            task = self._next()
            if task is None:
                return
            try:
                task.function()
            except Exception:
                # The boundary of this thread.
                LOG.exception('%s: %s failed', self.name, task.task_id)
            with self._changed:
                self._running -= 1
                self._known.discard(task.task_id)
                room = not self._waiting and not self.stopping.is_set()
                self._changed.notify_all()
            if room and self._on_room is not None:
                self._on_room()

    def _next(self) -> _Task | None:
        """Wait for the task whose turn it is; None when the pool stops."""
        with self._changed:
            self._idle += 1
            self._changed.wait_for(
                lambda: self._waiting or self.stopping.is_set())
            self._idle -= 1
            if not self._waiting:
                return None
            key = next(iter(self._waiting))
            tasks = self._waiting.pop(key)
            task = tasks.popleft()
            if tasks:
                self._waiting[key] = tasks
            self._running += 1
            return task
