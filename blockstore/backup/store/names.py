"""Names of objects in the store: one function a kind."""

import re
import urllib.parse

from blockstore import exceptions

OWN = '.store/'
CONFIG = OWN + 'config'
CHUNKS = OWN + 'chunks/'
SEGMENTS = OWN + 'segments/'
DOOMED = OWN + 'doomed/'
DAMAGED = OWN + 'damaged/'
JOURNALS = OWN + 'journals/'

_BACKUP_ID = re.compile(r'[0-9A-Za-z][0-9A-Za-z-]{0,63}')
_PART_LENGTH = 255


def after(prefix: str) -> str:
    """Return a name that is after all names below a prefix ``…/``."""
    return prefix[:-1] + chr(ord('/') + 1)


def chunk(digest: bytes) -> str:
    """Name a chunk."""
    text = digest.hex()
    return f'{CHUNKS}{text[:2]}/{text}'


def segment(digest: bytes) -> str:
    """Name a segment."""
    text = digest.hex()
    return f'{SEGMENTS}{text[:2]}/{text}'


def doomed(name: str) -> str:
    """Name a chunk or segment once it is set aside."""
    return DOOMED + name[len(OWN):]


def undoomed(name: str) -> str:
    """Give back the name that a chunk or segment had."""
    return OWN + name[len(DOOMED):]


def damaged(name: str, unique: str) -> str:
    """Name a chunk or segment once it is set aside for its damage.

    :param unique: so that an object that was damaged, healed and damaged
        again replaces nothing.
    """
    return f'{DAMAGED}{name[len(OWN):]}.{unique}'


def digest_of(name: str) -> bytes | None:
    """Return the hash in the name of a chunk or segment, if it is one."""
    try:
        digest = bytes.fromhex(name.rsplit('/', 1)[-1])
    except ValueError:
        return None
    return digest if len(digest) == 32 else None


def container(name: str) -> str:
    """Return the first part of the names of a container's manifests.

    :raises Invalid: the container's name is empty or too long.
    """
    part = urllib.parse.quote(name, safe='').replace('~', '%7E')
    if part.startswith('.'):
        part = '%2E' + part[1:]
    if not 0 < len(part) <= _PART_LENGTH:
        raise exceptions.Invalid(f'bad container name {name!r}')
    return part


def manifest(container_name: str, backup_id: str) -> str:
    """Name a manifest."""
    return f'{container(container_name)}/{backup(backup_id)}'


def journal(backup_id: str) -> str:
    """Return the prefix of the objects of a journal."""
    return f'{JOURNALS}{backup(backup_id)}/'


def journal_start(backup_id: str) -> str:
    """Name the first object of a journal."""
    return journal(backup_id) + 'start'


def journal_commit(backup_id: str, unique: str) -> str:
    """Name a manifest that one attempt is about to publish."""
    return f'{journal_commits(backup_id)}{unique}'


def journal_commits(backup_id: str) -> str:
    """Return the prefix of the manifests that are not published yet."""
    return journal(backup_id) + 'commit-'


def journal_entries(backup_id: str, first: int, count: int) -> str:
    """Name another object of a journal."""
    return f'{journal(backup_id)}{first:012x}-{count:06x}'


def backup(backup_id: str) -> str:
    """Return a backup's id, the last part of its manifest's name.

    :raises Invalid: no backup can have such an id.
    """
    if _BACKUP_ID.fullmatch(backup_id) is None:
        raise exceptions.Invalid(f'bad backup id {backup_id!r}')
    return backup_id
