"""Choosing a back end: filters, then weighers, and an answer that explains.

>>> choice.Chooser(conf).ranked(request, backends)[0].name
'node1@fast#fast'
"""

from collections.abc import Sequence
import typing

from oslo_config import cfg
from oslo_log import log as logging
import stevedore

from blockstore import exceptions
from blockstore.scheduler import base

LOG = logging.getLogger(__name__)

FILTERS = 'blockstore.scheduler.filters'
WEIGHERS = 'blockstore.scheduler.weighers'
_EXAMPLES = 3
_P = typing.TypeVar('_P')


class Chooser:
    """The filters and weighers that ``[scheduler]`` names.

    :raises BlockstoreError: one of them is not installed.
    """

    def __init__(self, conf: cfg.ConfigOpts) -> None:
        self._filters: list[tuple[str, base.Filter]] = _load(
            conf, FILTERS, conf.scheduler.filters)
        self._weighers: list[tuple[str, base.Weigher]] = _load(
            conf, WEIGHERS, conf.scheduler.weighers)

    def passes(self, request: base.Request, backend: base.Backend) -> bool:
        """Tell whether one back end can take the request."""
        return not any(one.refusal(request, backend)
                       for _, one in self._filters)

    def ranked(self, request: base.Request, backends: Sequence[base.Backend],
               ) -> list[base.Backend]:
        """Return the back ends that can take the request, the best first.

        :raises NoValidBackend: none can; the message says for each filter
            how many it removed and why.
        """
        left = [one for one in backends if one.state != 'down']
        told = []
        if len(left) < len(backends):
            told.append(f'{len(backends) - len(left)} reported that they are '
                        'down')
        for name, one in self._filters:
            refused = [(backend, one.refusal(request, backend))
                       for backend in left]
            left = [backend for backend, why in refused if not why]
            told.extend(_tell(name, [(backend.name, why)
                                     for backend, why in refused if why]))
        if not left:
            raise _none_left(request, len(backends), told)
        return self._in_order(request, left)

    def _in_order(self, request: base.Request, left: list[base.Backend],
                  ) -> list[base.Backend]:
        weights = {backend.name: 0.0 for backend in left}
        for _, one in self._weighers:
            for backend, share in zip(left, _shares([
                    one.weigh(request, backend) for backend in left]),
                    strict=True):
                weights[backend.name] += one.multiplier * share
        LOG.debug('Weights: %s', weights)
        return sorted(left, key=lambda backend: (-weights[backend.name],
                                                 backend.name))


def _shares(values: list[float]) -> list[float]:
    """Map the least to 0 and the most to 1; what has no limit is 1."""
    finite = [value for value in values if abs(value) != float('inf')]
    low, high = min(finite, default=0.0), max(finite, default=0.0)
    if high == low:
        # What has no limit is better than what all others have.
        return [float(value == float('inf')) for value in values]
    return [1.0 if value == float('inf') else (value - low) / (high - low)
            for value in values]


def _tell(name: str, refused: list[tuple[str, str]]) -> list[str]:
    if not refused:
        return []
    examples = '; '.join(f'{backend}: {why}'
                         for backend, why in refused[:_EXAMPLES])
    more = ('' if len(refused) <= _EXAMPLES
            else f'; and {len(refused) - _EXAMPLES} more')
    return [f'{name} removed {len(refused)} ({examples}{more})']


def _none_left(request: base.Request, number: int, told: list[str],
               ) -> exceptions.NoValidBackend:
    if not number:
        return exceptions.NoValidBackend(
            'no back end: no volume service is up and enabled',
            remedy='start a volume service, or enable one')
    return exceptions.NoValidBackend(
        f'none of {number} back ends can take {request.size} GiB: '
        + ', '.join(told),
        remedy='ask for less or for another type or zone, or add capacity')


def _load(conf: cfg.ConfigOpts, namespace: str, names: list[str],
          ) -> list[tuple[str, typing.Any]]:
    def missing(absent: typing.Iterable[str]) -> typing.NoReturn:
        raise exceptions.BlockstoreError(
            f'{namespace}: there is no ' + ', '.join(sorted(absent)),
            remedy='correct the section [scheduler]')

    manager: typing.Any = stevedore.NamedExtensionManager(
        namespace, names, name_order=True, invoke_on_load=True,
        invoke_args=(conf,), on_missing_entrypoints_callback=missing)
    return [(one.name, one.obj) for one in manager]
