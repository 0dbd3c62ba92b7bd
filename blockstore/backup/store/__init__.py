"""The backup store: content-addressed, verified, self-describing.

The format is told in ``doc/source/contributor/backup-format.rst``; the
entrance is :class:`blockstore.backup.store.repository.Repository`.
"""
