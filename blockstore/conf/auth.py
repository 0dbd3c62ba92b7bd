"""Options of the section ``[auth]``: who may ask, and how they say so."""

from oslo_config import cfg

GROUP = 'auth'

#: The project of callers for whom nobody names another one.
PROJECT = '00000000000000000000000000b10c57'

OPTS: list[cfg.Opt] = [
    cfg.StrOpt(
        'strategy', default='noauth', choices=[
            ('noauth', 'Believes what the header X-Auth-Token says '
                       '("user:project"); a request without it comes from '
                       'the administrator. For a single trusted host.'),
            ('http_basic', 'Names and passwords of a file. For a server '
                           'that stands alone.'),
            ('keystone', 'Tokens of OpenStack Identity, see '
                         '[keystone_authtoken].')],
        help='How a request says who asks.'),
    cfg.BoolOpt(
        'noauth_allow_remote', default=False,
        help='Allow "noauth" on an address that other hosts can reach. '
             'Everybody who reaches it is the administrator.'),
    cfg.StrOpt(
        'noauth_project', default=PROJECT,
        help='The project of a request that names none, under "noauth".'),
    cfg.StrOpt(
        'http_basic_user_file', default='/etc/blockstore/users',
        help='The users of "http_basic", one a line: '
             'name:bcrypt-hash[:project[:role,role]]. Written by '
             '"blockstore-manage user set" or "htpasswd -B"; read again when '
             'it changes.'),
    cfg.StrOpt(
        'http_basic_project', default=PROJECT,
        help='The project of users whose line names none.'),
    cfg.ListOpt(
        'http_basic_roles', default=['member'],
        help='The roles of users whose line names none.'),
    cfg.IntOpt(
        'http_basic_cache_time', default=300, min=0,
        help='For how many seconds a password that was right is not computed '
             'again. What is kept is a keyed hash, and only in memory.'),
]
