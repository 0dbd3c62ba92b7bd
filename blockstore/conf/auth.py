"""Options of the section ``[auth]``: who may ask, and how they say so."""

from oslo_config import cfg

GROUP = 'auth'

OPTS: list[cfg.Opt] = [
    cfg.StrOpt(
        'strategy', default='noauth', choices=['noauth'],
        help='How a request says who asks. "noauth" believes what the '
             'header X-Auth-Token says ("user:project") and takes a request '
             'without it for the administrator: for a single trusted host.'),
    cfg.BoolOpt(
        'noauth_allow_remote', default=False,
        help='Allow "noauth" on an address that other hosts can reach. '
             'Everybody who reaches it is the administrator.'),
    cfg.StrOpt(
        'noauth_project', default='00000000000000000000000000b10c57',
        help='The project of a request that names none, under "noauth".'),
]
