"""Running taskflow flows under a claim.

A flow's tasks are its named steps: each is noted in the operation's row when
it begins.  Nothing else is persisted: all tasks are repeatable, what must
survive is in the rows, so a flow that was cut off is simply run again.

>>> engine.run('volume.manage', claim,
...            Measure(work, provides='size'), Charge(work))
"""

import typing

from oslo_db import exception as db_exception
from taskflow import engines
from taskflow import task
from taskflow.types import failure
from taskflow.types import notifier

from blockstore import exceptions
from blockstore.lifecycle.operations import Claim

# Whoever gets one of these must leave everything as it is: the operation is
# taken up again.
HANDED_OFF = (exceptions.LeaseLost, exceptions.HandedOver,
              exceptions.TryLater, db_exception.DBError)


class Task(task.Task):  # type: ignore[misc]
    """A step of a flow; it is called as its class."""

    def __init__(self, **kwargs: typing.Any) -> None:
        super().__init__(name=type(self).__name__, **kwargs)


def run(name: str, claim: Claim, *tasks: Task) -> None:
    """Run tasks one after the other; raises what the failing one raised."""
    # Imported with the first flow: it brings networkx, which takes a tenth
    # of a daemon's start and of its memory, and an idle one has no use for.
    from taskflow.patterns import linear_flow
    engine = engines.load(linear_flow.Flow(name).add(*tasks),
                          engine='serial')
    engine.atom_notifier.register(
        notifier.Notifier.ANY,
        lambda state, details: _note(claim, state, details))
    engine.run()


def failed_for_good(flow_failures: dict[str, failure.Failure]) -> bool:
    """Tell whether a flow is reverted because its work has failed.

    If it only stops here to be gone on with elsewhere, a revert must do
    nothing.
    """
    return not any(one.check(*HANDED_OFF) for one in flow_failures.values())


def _note(claim: Claim, state: str, details: dict[str, typing.Any]) -> None:
    if state == 'RUNNING':
        claim.step(_words(details['task_name']))


def _words(name: str) -> str:
    """Return a task's class name as words for people."""
    return ''.join(f' {letter.lower()}' if letter.isupper() else letter
                   for letter in name).strip()
