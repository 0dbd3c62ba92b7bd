"""One method of an RPC API: its arguments, its answer, its errors.

>>> EXTEND = Method('extend_volume', 'Grow a volume.', (
...     required('volume_id', validation.UUID, 'Which.'),), …)
>>> EXTEND.check({'volume_id': 7})
Traceback (most recent call last):
blockstore.exceptions.Invalid: extend_volume: volume_id: 7 is not of …
"""

from collections.abc import Iterable
from collections.abc import Mapping
import dataclasses
import functools
import typing

from blockstore import errors
from blockstore import exceptions
from blockstore import validation

#: What any method may raise besides its own errors.
COMMON = (errors.REQUEST_INVALID, errors.DATABASE_BUSY, errors.RPC_VERSION,
          errors.INTERNAL)


@dataclasses.dataclass(frozen=True)
class Argument:
    """A named argument; its JSON schema says what is accepted."""

    name: str
    schema: Mapping[str, typing.Any]
    about: str
    required: bool = False


@dataclasses.dataclass(frozen=True)
class Method:
    """What can be asked, since which version.

    :param answer: what comes back, in words; empty for a cast.
    :param errors: the codes of its refusals, besides :data:`COMMON`.
    """

    name: str
    about: str
    arguments: tuple[Argument, ...] = ()
    answer: str = ''
    errors: tuple[str, ...] = ()
    since: str = '1.1'

    @functools.cached_property
    def _schema(self) -> validation.Schema:
        return validation.Schema(validation.closed(
            {one.name: dict(one.schema) for one in self.arguments},
            tuple(one.name for one in self.arguments if one.required)))

    def check(self, arguments: Mapping[str, typing.Any]) -> None:
        """Raise Invalid unless these arguments can be taken."""
        problem = self._schema.problem(dict(arguments))
        if problem is not None:
            raise exceptions.Invalid(
                f'{self.name}: {problem}',
                remedy='see the RPC reference for the arguments')


def required(name: str, schema: Mapping[str, typing.Any], about: str,
             ) -> Argument:
    """Describe an argument that must be given."""
    return Argument(name, schema, about, required=True)


def optional(name: str, schema: Mapping[str, typing.Any], about: str,
             ) -> Argument:
    """Describe an argument that may be left out, or be null."""
    return Argument(name, validation.nullable(dict(schema)), about)


def table(methods: Iterable[Method]) -> dict[str, Method]:
    """Make a table by name."""
    return {method.name: method for method in methods}


OPERATION_ID = optional(
    'operation_id', validation.UUID,
    'The id that the operation shall have, a new UUID: the same call with '
    'the same id may come again, and is answered as the first.')
NAME = optional('name', validation.NAME, 'For people.')
DESCRIPTION = optional('description', validation.DESCRIPTION, 'For people.')
METADATA = optional('metadata', validation.METADATA, 'Keys and values.')
ZONE = optional('availability_zone', validation.ZONE, 'Where it shall be.')
TYPE = optional('volume_type', validation.STRING_255,
                'Id or name of a volume type; the default otherwise.')

DUE = Method(
    'operation_due',
    'A doorbell: an operation waits. A cast; it may get lost, or come twice, '
    'and nothing but time is lost.',
    (required('operation_id', {'type': 'string'}, 'Which.'),), since='1.0')

GET_VERSIONS = Method(
    'get_versions', 'Tell what this service speaks. A service that does not '
    'know the method speaks 1.0.', answer='``VersionsInfo``')
GET_OPERATION = Method(
    'get_operation', 'Tell how far an operation is.',
    (required('operation_id', validation.UUID, 'Which.'),),
    '``OperationInfo``', (errors.NOT_FOUND,))
WAIT_OPERATION = Method(
    'wait_operation', 'Wait until an operation is over, and tell how it is '
    'then. It may return sooner: go by ``state``, and ask again.',
    (required('operation_id', validation.UUID, 'Which.'),
     optional('seconds', {'type': 'integer', 'minimum': 0, 'maximum': 30},
              'How long to wait at most; 10 otherwise.')),
    '``OperationInfo``', (errors.NOT_FOUND,))
FOLLOW = (GET_OPERATION, WAIT_OPERATION, GET_VERSIONS)

#: What may refuse a new volume, wherever it is asked for.
CREATE_ERRORS = (
    errors.NOT_FOUND, errors.BELONGS_TO_BACKUP, errors.QUOTA_EXCEEDED,
    errors.VOLUME_TOO_SMALL, errors.VOLUME_BAD_STATUS,
    errors.SNAPSHOT_BAD_STATUS, errors.BACKUP_BAD_STATUS,
    errors.TYPE_DEFAULT_MISSING, errors.OPERATION_TAKEN)
CREATE_ARGUMENTS = (
    optional('size', validation.SIZE,
             'In GiB; may be left out where there is a source.'),
    NAME, DESCRIPTION, TYPE, METADATA,
    optional('snapshot_id', validation.UUID, 'Made of this snapshot.'),
    optional('source_volid', validation.UUID, 'A copy of this volume.'),
    optional('backup_id', validation.UUID, 'Filled from this backup.'))
