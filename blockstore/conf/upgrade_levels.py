"""Options of the section ``[upgrade_levels]``.

How new a message may be while daemons of two releases run side by side.
"""

from oslo_config import cfg

GROUP = 'upgrade_levels'
AUTO = 'auto'


def _level(service: str) -> cfg.Opt:
    return cfg.StrOpt(
        service, default=AUTO, regex=r'^(auto|[0-9]+\.[0-9]+)$',
        help=f'The newest version of the RPC API of the {service} service '
             'that is sent to it: "auto" takes the lowest that the running '
             'services report, a number such as 1.0 is a pin. A call that '
             'needs more fails at once, with a code of its own.')


OPTS: list[cfg.Opt] = [
    _level('volume'), _level('scheduler'), _level('backup'),
    cfg.StrOpt(
        'objects', default=AUTO, choices=(AUTO, '1.0', '1.1'),
        help='The newest shapes of the objects that this service answers '
             'with: a number such as 1.0 is a pin, for other services that '
             'do not read newer ones; they then lack what came later. '
             '"auto" sends them as they are: a reader that leaves out what '
             'it does not know needs no pin.')]
