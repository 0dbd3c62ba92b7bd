"""Merging layers that nobody needs any more into the ones below them.

A merge copies a layer's content down while clients go on writing to the
active layer, which it never touches; only a volume without clients has its
active layer merged, and that merge is cancelled when a client comes.  The
family's lock is not held while the data moves.  A merge that is cut off is
harmless: the upper layer is still whole and hides what the lower one holds.
"""

import threading
import time

from oslo_log import log as logging

from blockstore import exceptions
from blockstore.lifecycle import boundaries
from blockstore.volume.drivers.qsd import qmp
from blockstore.volume.drivers.qsd import recovery
from blockstore.volume.drivers.qsd.backend import Backend
from blockstore.volume.drivers.qsd.chain import Step
from blockstore.volume.drivers.qsd.daemon import Daemon
from blockstore.volume.drivers.qsd.push import push

LOG = logging.getLogger(__name__)

JOB = 'merge'
_FIRST_POLL = 0.002
_LONGEST_POLL = 0.1


class Merge:
    """A merge under way."""

    def __init__(self, volume_id: str, step: Step, daemon: Daemon) -> None:
        self.volume_id = volume_id
        self.step = step
        self.daemon = daemon
        self.completed = False
        self.settled = threading.Event()


def collapse(backend: Backend, volume_id: str) -> None:
    """Merge all that can be merged of a volume; returns when it is done.

    Returns at once when a reader forbids it; waits for another thread that
    is at it.

    :raises DriverError: when a merge failed; the volume is as good as
        before, and a later collapse tries again.
    """
    while True:
        with backend.lock(volume_id):
            other = backend.merging.get(volume_id)
            merge = None if other else _next(backend, volume_id)
        if other:
            other.settled.wait()
            continue
        if merge is None:
            return
        _wait(backend, merge)
        with backend.lock(volume_id):
            if merge.settled.is_set():
                continue
            error = settle(backend, merge)
        if error:
            raise exceptions.DriverError(
                f'{merge.step.top} was not merged into {merge.step.base}: '
                f'{error}', remedy='it is tried again later')


def _next(backend: Backend, volume_id: str) -> Merge | None:
    while True:
        recovery.ready(backend, volume_id)
        if backend.chain.get('volume', volume_id) is None:
            return None
        if backend.closing or backend.readers(volume_id):
            return None
        step = backend.chain.next_step(volume_id)
        if step is None:
            backend.prune_nodes(volume_id)
            backend.release(volume_id)
            return None
        if step.kind == 'merge':
            return _start(backend, volume_id, step)
        push(backend, volume_id, pad=True)


def _start(backend: Backend, volume_id: str, step: Step) -> Merge:
    with boundaries.around('driver', 'qsd.intent'):
        backend.chain.update(volume_id, op={
            'kind': 'merge', 'top': step.top, 'base': step.base,
            'child': step.child})
    daemon = backend.running(volume_id)
    merge = Merge(volume_id, step, daemon)
    try:
        daemon.start_merge(JOB, step.top, step.base, step.child)
    except qmp.Refused:
        backend.chain.update(volume_id, op=None)
        backend.release(volume_id)
        raise
    backend.merging[volume_id] = merge
    return merge


def _wait(backend: Backend, merge: Merge) -> None:
    """Return when the job has ended, however."""
    pause = _FIRST_POLL
    while not merge.settled.wait(pause):
        pause = min(pause * 1.5, _LONGEST_POLL)
        try:
            job = merge.daemon.jobs().get(JOB)
            if job is None or job['status'] == 'concluded':
                return
            if job['status'] == 'ready':
                _complete(backend, merge)
                return
        except exceptions.DriverError as error:
            LOG.warning('The merge of volume %s is lost: %s',
                        merge.volume_id, error)
            return


def _complete(backend: Backend, merge: Merge) -> None:
    """Let an active layer's merge switch over; nobody may attach meanwhile.
    """
    with backend.lock(merge.volume_id):
        if merge.settled.is_set():
            return
        merge.completed = True
        with boundaries.around('driver', 'qsd.complete'):
            merge.daemon.command('job-complete', id=JOB)
            while merge.daemon.jobs()[JOB]['status'] != 'concluded':
                time.sleep(_FIRST_POLL)


def settle(backend: Backend, merge: Merge) -> str | None:
    """End a merge and write down what became of it; returns its error.

    The caller holds the family's lock.
    """
    volume_id, step, daemon = merge.volume_id, merge.step, merge.daemon
    backend.merging.pop(volume_id, None)
    merge.settled.set()
    if not daemon.alive():
        recovery.ready(backend, volume_id)
        return 'the storage daemon died'
    error = daemon.end_job(JOB)
    if step.child:
        done = backend.images.matches(step.child, step.base)
    else:
        done = merge.completed and error is None
    if done:
        daemon.drop_layer(step.top)
        backend.commit_and_clean(backend.chain.merged(
            volume_id, step._asdict()))
        return None
    backend.chain.update(volume_id, op=None)
    if not step.child:
        # Nobody is connected, and its graph may be half way.
        backend.stop(volume_id)
    return error or 'it did not finish'


def interrupt(backend: Backend, volume_id: str, *,
              for_client: bool = False) -> None:
    """Stop a merge that is in the way of an operation; it is redone later.

    :param for_client: only a merge of the active layer is in the way.
    """
    merge = backend.merging.get(volume_id)
    if merge is None or (for_client and merge.step.child):
        return
    settle(backend, merge)
    backend.later(volume_id)
