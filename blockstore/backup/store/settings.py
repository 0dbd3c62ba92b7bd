"""How a repository works: what an operator may set."""

import dataclasses

from oslo_config import cfg

KIB = 1024
MIB = 1024 * KIB


@dataclasses.dataclass(frozen=True)
class Settings:
    """What ``[store]`` says, without oslo.config.

    :ivar chunk_size: bytes; for a new store only.
    :ivar segment_entries: chunks in a segment; for a new store only.
    :ivar level: zstd level, 0 for none.
    :ivar workers: threads that hash, compress and write.
    :ivar journal_seconds: longest time between two journal entries.
    :ivar journal_chunks: most chunks read between two journal entries.
    :ivar prune_grace: seconds.
    :ivar key_file: where the store key is, if not in the store.
    :ivar container: for backups that name none.
    """

    chunk_size: int = 4 * MIB
    segment_entries: int = 4096
    level: int = 1
    workers: int = 6
    journal_seconds: float = 1.0
    journal_chunks: int = 64
    prune_grace: float = 86400
    key_file: str | None = None
    container: str = 'volumebackups'

    @classmethod
    def from_conf(cls, conf: cfg.ConfigOpts) -> 'Settings':
        """Read the section ``[store]``."""
        store = conf.store
        return cls(chunk_size=store.chunk_size,
                   level=store.compression_level,
                   workers=store.workers,
                   journal_seconds=store.journal_seconds,
                   journal_chunks=store.journal_chunks,
                   prune_grace=store.prune_grace,
                   key_file=store.key_file,
                   container=store.container)
