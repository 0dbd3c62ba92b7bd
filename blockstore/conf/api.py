"""Options of the section ``[api]``."""

from oslo_config import cfg

GROUP = 'api'

OPTS: list[cfg.Opt] = [
    cfg.StrOpt(
        'host', default='127.0.0.1',
        help='Address that the API listens on.'),
    cfg.PortOpt(
        'port', default=8776,
        help='TCP port that the API listens on; 0 takes any free one.'),
    cfg.IntOpt(
        'threads', default=8, min=1,
        help='Threads that serve requests, in each worker process.'),
    cfg.IntOpt(
        'workers', default=2, min=1,
        help='Worker processes of blockstore-api. blockstore-all is always '
             'one process.'),
    cfg.StrOpt(
        'public_endpoint',
        help='The URL under which clients reach the API, for links in '
             'answers, for instance https://volume.example.org. Unset: taken '
             'from the request.'),
    cfg.IntOpt(
        'max_limit', default=1000, min=1,
        help='The most items that one page of a list has.'),
    cfg.IntOpt(
        'max_request_bytes', default=114688, min=1024,
        help='The longest request body that is read, in bytes.'),
    cfg.StrOpt(
        'project_id_regex', default=r'[0-9a-f\-]+',
        help='What a project id in a URL looks like. A path whose second '
             'part does not match is read as one without a project.'),
    cfg.MultiStrOpt(
        'resource_filters', default=[
            'volume:name,status,metadata,bootable,migration_status,'
            'availability_zone,group_id,size,created_at,updated_at,'
            'consumes_quota',
            'backup:name,status,volume_id',
            'snapshot:name,status,volume_id,metadata,availability_zone,'
            'consumes_quota',
            'group:name',
            'group_snapshot:name,status,group_id',
            'attachment:volume_id,status,instance_id,attach_status',
            'message:resource_uuid,resource_type,event_id,request_id,'
            'message_level',
            'operation:kind,state,resource_id,resource_type,request_id,'
            'parent_id',
            'pool:name,volume_type',
            'volume_type:is_public,extra_specs'],
        help='Filters of lists that users may use, as '
             '"resource:filter,filter". Administrators may use any. Give it '
             'once for each resource.'),
]
