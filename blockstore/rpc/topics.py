"""Where each service listens.

The scheduler and the backup service share one topic each: whoever is free
takes the message.  A volume service listens on one topic for each back end,
``blockstore-volume.<host>@<backend>``; hosts that share a back end share it.
A server's name within its topic is the name of its host.

>>> volume('node1@fast#pool1')
'blockstore-volume.node1@fast'
"""

import oslo_messaging

SCHEDULER = 'blockstore-scheduler'
BACKUP = 'blockstore-backup'
VOLUME = 'blockstore-volume'


def volume(host: str) -> str:
    """Name the topic of a back end.

    :param host: ``host@backend`` or ``host@backend#pool``.
    """
    return f'{VOLUME}.{host.partition("#")[0]}'


def server(topic: str, host: str) -> oslo_messaging.Target:
    """Give the target that a server on a host listens with."""
    return oslo_messaging.Target(topic=topic, server=host)
