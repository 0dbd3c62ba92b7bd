"""Microversions: their history, and how a request asks for one.

A client names a version in ``OpenStack-API-Version: volume 3.NN``; without
the header it gets 3.0, with ``volume latest`` the newest.  Versions compare
as pairs, so a handler writes ``req.microversion >= (3, 31)``.

>>> negotiate('volume 3.44, compute 2.1')
Version(major=3, minor=44)
"""

import re
from typing import NamedTuple

from blockstore.api import faults

HEADER = 'OpenStack-API-Version'
SERVICE = 'volume'

_FORM = re.compile(r'([1-9][0-9]*)\.([1-9][0-9]*|0)', re.ASCII)


class Version(NamedTuple):
    """A microversion; ``str()`` gives the form of the header."""

    major: int
    minor: int

    def __str__(self) -> str:
        return f'{self.major}.{self.minor}'


# What each minor version of 3 brought, from 3.0 on; the index is the number.
HISTORY = (
    'the first version, same as the former v2',
    'a request names its microversion in a header',
    'filter volumes by bootable, with strict booleans',
    'user messages about what failed after the answer',
    'filter volumes by their image metadata',
    'messages have filters and pages',
    'change a consistency group without changing its members',
    'clusters of volume services',
    'list what a back end has that could be managed',
    'change the name and the description of a backup',
    'filter volumes by group',
    'group types and their specs',
    'how many volumes there are, and of what size in all',
    'groups of volumes',
    'snapshots of groups, and groups made from them',
    'an entity tag guards the metadata of a volume',
    'move a volume to a cluster',
    'list manageable resources of a cluster',
    'an administrator sees the project of a backup',
    'reset the status of a group snapshot',
    'reset the status of a group',
    'an administrator sees the provider id of a volume',
    'filter snapshots by metadata',
    'delete a volume by force, as a parameter',
    'clean up after services that died',
    'a group lists its volumes',
    'fail a cluster over',
    'attachments of their own',
    'filter the pools of the scheduler',
    'a group answers with what a filter of names finds',
    'sort snapshots by name',
    'filters are those that the operator allows',
    'read and set log levels of running services',
    'list the filters that are allowed',
    'filters that match a part, with ~',
    'filter pools by volume type',
    'the summary of volumes has their metadata',
    'sort backups by name',
    'replication of groups',
    'limits of another project, for administrators',
    'revert a volume to its latest snapshot',
    'a snapshot shows who made it',
    'extend a volume in use',
    'metadata of backups',
    'complete an attachment',
    'how many items there are on all pages of a list',
    'make a volume from an image by way of a snapshot',
    'make a volume from a backup',
    'a volume shows its service and whether it shares targets',
    'a service shows the state of its back end',
    'volumes of one type may be attached many times',
    'the availability zone of a backup',
    'filter types by extra specs',
    'bodies are checked by schemas, unknown keys are refused',
    'the mode of an attachment',
    'transfer a volume together with its snapshots',
    'a backup shows who made it',
    'a transfer shows its projects',
    'a group shows its project',
    'transfers have pages',
    'filter volumes by the time of creation and change',
    'an administrator sees the cluster of a volume',
    'default types of projects',
    'a volume shows the id of its type',
    'volumes and backups show the id of their encryption key',
    'volumes and snapshots show whether they use quota',
    'snapshots of volumes in use need no force',
    'the project is no longer needed in a URL',
    'write a volume anew from an image',
    'whether targets are shared may be unknown',
    'transfer encrypted volumes',
    'finish the extension of a volume from the compute side',
)

MIN = Version(3, 0)
MAX = Version(3, len(HISTORY) - 1)


def parse(text: str) -> Version:
    """Read ``X.Y``; raises a 400 fault for anything else."""
    match = _FORM.fullmatch(text)
    if match is None or len(text) > 16:
        raise faults.BadRequest(
            f'"{text[:64]}" is no API version',
            remedy=f'ask for {MIN} to {MAX}, or for latest')
    return Version(int(match[1]), int(match[2]))


def negotiate(header: str | None) -> Version:
    """Return the version that a request's header asks for.

    :param header: the header's value, None when it is missing.
    :raises faults.BadRequest: the header cannot be understood.
    :raises faults.NotAcceptable: the version is not served here.
    """
    if header is None:
        return MIN
    for element in header.split(','):
        words = element.split()
        if words and words[0].lower() == SERVICE:
            break
    else:
        raise faults.BadRequest(
            f'the header {HEADER} names no version of {SERVICE}',
            remedy=f'send "{SERVICE} {MAX}"')
    if len(words) != 2:
        raise faults.BadRequest(f'the header {HEADER} has no one version')
    if words[1] == 'latest':
        return MAX
    version = parse(words[1])
    if not MIN <= version <= MAX:
        raise faults.NotAcceptable(
            f'version {version} is not served: the lowest is {MIN}, the '
            f'highest {MAX}')
    return version
