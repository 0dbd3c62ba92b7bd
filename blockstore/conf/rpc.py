"""Options of the section ``[rpc]``.

Where the broker is comes from oslo.messaging's own ``transport_url``.
"""

from oslo_config import cfg

GROUP = 'rpc'

OPTS: list[cfg.Opt] = [
    cfg.IntOpt(
        'call_timeout', default=60, min=1,
        help='Seconds that a call to another service may take before the '
             'caller gives up.'),
    cfg.IntOpt(
        'long_call_timeout', default=300, min=1,
        help='Seconds that a call may take whose work on the back end is '
             'known to be slow, such as preparing or removing a connection.'),
    cfg.IntOpt(
        'silence_timeout', default=15, min=2,
        help='Seconds without a sign of life after which a call is given up '
             'before its time is over: the service that had it is dead. While '
             'a service works on a call, it gives a sign of life twice as '
             'often.'),
    cfg.IntOpt(
        'send_retries', default=2, min=0,
        help='How often a message is sent again while the broker cannot be '
             'reached, before the call fails.'),
    cfg.IntOpt(
        'calls_in_flight', default=64, min=1,
        help='How many calls of one process may wait for a broker and its '
             'answers at the same time, for each kind of service. Further '
             'ones fail at once.'),
    cfg.IntOpt(
        'doorbell_queue', default=1000, min=1,
        help='How many doorbells may wait for a slow broker. Further ones '
             'are dropped: the services look for due operations anyway.'),
    cfg.IntOpt(
        'server_threads', default=16, min=1,
        help='Threads that serve incoming RPC, for each topic.'),
]
