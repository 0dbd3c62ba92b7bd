"""Options of the section ``[scheduler]``: how a back end is chosen."""

from oslo_config import cfg

GROUP = 'scheduler'

OPTS: list[cfg.Opt] = [
    cfg.ListOpt(
        'filters', default=['availability_zone', 'capacity', 'capabilities'],
        help='Names of the filters that a back end must pass, in this order '
             '(entry points of the namespace blockstore.scheduler.filters).'),
    cfg.ListOpt(
        'weighers', default=['capacity', 'volume_number'],
        help='Names of the weighers that order the back ends that passed '
             '(entry points of the namespace blockstore.scheduler.weighers). '
             'Each gives the best one 1 and the worst one 0, times its '
             'multiplier; the highest sum wins.'),
    cfg.FloatOpt(
        'capacity_weight_multiplier', default=1.0,
        help='How much free capacity counts. Positive spreads volumes, '
             'negative fills one back end after the other.'),
    cfg.FloatOpt(
        'volume_number_weight_multiplier', default=-0.1,
        help='How much the number of volumes counts. Negative prefers back '
             'ends with fewer volumes.'),
    cfg.IntOpt(
        'reaper_interval', default=10, min=1,
        help='Seconds between two looks for resources that are stuck in a '
             'transitional status without an operation.'),
]
