"""blockstore: block storage whose snapshots and backups never get in the way.

Importing this package chooses native threads for oslo.service (a dependency
of oslo.messaging) before anything can choose eventlet.
"""

from oslo_service import backend

backend.register_backend_default_hook(
    lambda: backend.BackendType.THREADING)
