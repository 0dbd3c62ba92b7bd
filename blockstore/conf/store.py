"""Options of the section ``[store]``: where backups are kept, and how."""

from oslo_config import cfg

GROUP = 'store'

OPTS: list[cfg.Opt] = [
    cfg.StrOpt('driver', default='posix',
               help='Backend that keeps the objects, by its name in the '
                    'entry point namespace blockstore.backup.stores.'),
    cfg.StrOpt('posix_path', default='/var/lib/blockstore/backups',
               help='Directory of the posix backend. The file system must '
                    'have hard links.'),
    cfg.StrOpt('container', default='volumebackups',
               help='Container of backups whose request names none.'),
    cfg.IntOpt('chunk_size', default=4 * 1024 * 1024,
               min=4096, max=64 * 1024 * 1024,
               help='Chunk size in bytes. Only looked at when a store is '
                    'used for the first time; it is constant from then on.'),
    cfg.IntOpt('compression_level', default=1, min=0, max=19,
               help='zstd level; 0 stores everything as it is.'),
    cfg.IntOpt('workers', default=6, min=1, max=64,
               help='Threads that hash, compress and write, or fetch, of one '
                    'backup or restore. Memory is about 9 MiB for each, plus '
                    '20 MiB.'),
    cfg.FloatOpt('journal_seconds', default=1.0, min=0.01,
                 help='Longest time between two journal entries of a running '
                      'backup, so the most that is done again after a '
                      'crash.'),
    cfg.IntOpt('journal_chunks', default=64, min=1,
               help='Most chunks read between two journal entries.'),
    cfg.IntOpt('prune_grace', default=86400, min=1,
               help='Seconds that an object must have been unreachable before '
                    'prune sets it aside, and again before it is deleted. '
                    'The same on all hosts; an hour or more where backups '
                    'run.'),
    cfg.StrOpt('key_file',
               help='File with the store key, 64 hexadecimal digits. Made '
                    'when a new store is set up and there is none. All '
                    'backup hosts need the same; without it the store cannot '
                    'be read. Not set: the key is kept in the store.'),
]
