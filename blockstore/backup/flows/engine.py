"""The flows of backups: see :mod:`blockstore.lifecycle.engine`."""

import typing

from blockstore.backup.flows.base import Work
from blockstore.lifecycle import engine

HANDED_OFF = engine.HANDED_OFF
failed_for_good = engine.failed_for_good


class Task(engine.Task):
    """A step of a flow that works on one backup."""

    def __init__(self, work: Work, **kwargs: typing.Any) -> None:
        super().__init__(**kwargs)
        self.work = work
        self.claim = work.claim


def run(name: str, work: Work, *tasks: Task) -> None:
    """Run tasks one after the other; raises what the failing one raised."""
    engine.run(name, work.claim, *tasks)
