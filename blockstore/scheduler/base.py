"""What filters and weighers look at, and what they are.

>>> class EvenFilter(base.Filter):
...     def refusal(self, request, backend):
...         return '' if backend.placed.number % 2 else 'it has an odd number'
"""

import abc
from collections.abc import Mapping
import dataclasses
import typing

from oslo_config import cfg

from blockstore.db import placement


@dataclasses.dataclass(frozen=True)
class Request:
    """What a place is sought for; ``size`` in GiB."""

    size: int
    availability_zone: str | None = None
    extra_specs: Mapping[str, str] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True)
class Backend:
    """A pool of a live volume service.

    :param name: ``host@backend#pool``.
    :param service_id: of the service's row.
    :param stats: what the driver reported for the pool; under
        ``capabilities`` a list of names.
    :param placed: the volumes that the database has there now.
    """

    name: str
    service_id: int
    availability_zone: str
    stats: Mapping[str, typing.Any]
    placed: placement.Placed = placement.NONE
    state: str | None = None

    @property
    def service_host(self) -> str:
        """The host of the service: ``host@backend``."""
        return self.name.partition('#')[0]


class Filter(abc.ABC):
    """Says which back ends cannot take a request."""

    def __init__(self, conf: cfg.ConfigOpts) -> None:
        self.conf = conf

    @abc.abstractmethod
    def refusal(self, request: Request, backend: Backend) -> str:
        """Return why the back end cannot take it; '' if it can.

        For the operator: says what is wanted and what there is.
        """


class Weigher(abc.ABC):
    """Says which of the back ends that are left is the best.

    :cvar multiplier_option: names the option of ``[scheduler]``.
    """

    multiplier_option: typing.ClassVar[str]

    def __init__(self, conf: cfg.ConfigOpts) -> None:
        self.multiplier = float(conf.scheduler[self.multiplier_option])

    @abc.abstractmethod
    def weigh(self, request: Request, backend: Backend) -> float:
        """Return how much of the good there is, in any unit."""
