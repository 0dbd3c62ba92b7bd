"""The flows of backups: see :mod:`blockstore.lifecycle.engine`."""

import typing

from taskflow import flow as base

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


def run(flow: base.Flow, work: Work) -> None:
    """Run a flow to its end; raises what its failing step raised."""
    engine.run(flow, work.claim)
