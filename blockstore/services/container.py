"""All use cases of one API process, built once."""

from oslo_config import cfg

from blockstore.db.engine import Database
from blockstore.rpc.clients import Clients
from blockstore.services.attachments import Attachments
from blockstore.services.backups import Backups
from blockstore.services.daemons import Daemons
from blockstore.services.manageable import Manageables
from blockstore.services.messages import Messages
from blockstore.services.operations import Operations
from blockstore.services.pools import Pools
from blockstore.services.quotas import Quotas
from blockstore.services.snapshots import Snapshots
from blockstore.services.types import VolumeTypes
from blockstore.services.volumes import Volumes
from blockstore.services.zones import Zones


class Services:
    """The use cases, each under its noun's name."""

    def __init__(self, conf: cfg.ConfigOpts, database: Database,
                 clients: Clients) -> None:
        self.conf = conf
        self.database = database
        self.volumes = Volumes(conf, database, clients)
        self.snapshots = Snapshots(conf, database, clients)
        self.backups = Backups(conf, database, clients, self.volumes)
        self.attachments = Attachments(conf, database, clients)
        self.types = VolumeTypes(conf, database)
        self.quotas = Quotas(conf, database)
        self.daemons = Daemons(conf, database)
        self.zones = Zones(conf, database)
        self.manageables = Manageables(conf, database, clients)
        self.messages = Messages(conf, database)
        self.operations = Operations(conf, database)
        self.pools = Pools(conf, database)
