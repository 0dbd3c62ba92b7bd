"""What a scheduler may be asked."""

from blockstore import errors
from blockstore import validation
from blockstore.rpc.methods import base

METHODS = base.table((
    base.DUE,
    base.Method(
        'create_volume', 'Make a volume where there is room for it.',
        (*base.CREATE_ARGUMENTS, base.ZONE, base.OPERATION_ID),
        '``operation`` (``OperationInfo``) and ``volume`` (``VolumeInfo``)',
        base.CREATE_ERRORS),
    base.Method(
        'get_pools', 'List the pools of the back ends that are up.',
        (base.optional('volume_type', validation.STRING_255,
                       'Only those that this type can be on.'),
         base.optional('filters', {'type': 'object'},
                       'What a pool must report: names to values.')),
        'a list of ``PoolInfo``', (errors.NOT_FOUND,)),
    base.Method(
        'validate_host_capacity',
        'Tell whether a back end could take a volume now.',
        (base.required('host', validation.HOST,
                       '``host@backend`` or ``host@backend#pool``.'),
         base.required('size', validation.SIZE, 'In GiB.'),
         base.TYPE, base.ZONE),
        '``CapacityInfo``', (errors.NOT_FOUND,
                             errors.TYPE_DEFAULT_MISSING)),
    *base.FOLLOW,
))
