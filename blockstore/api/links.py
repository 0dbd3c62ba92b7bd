"""The links in answers: ``self`` with the version, ``bookmark`` without.

The base is ``[api] public_endpoint``, else what the client called us by.
The project id is in a link only if it was in the request's URL.
"""

from urllib import parse

from oslo_config import cfg

LinkList = list[dict[str, str]]


class Links:
    """Makes the links of one request.

    :param prefix: the version part of the request's path, such as ``v3``.
    :param project_id: the project id in the request's path, or None.
    """

    def __init__(self, base: str, prefix: str, project_id: str | None,
                 ) -> None:
        self.base = base
        project = f'/{project_id}' if project_id else ''
        self._self = f'{base}/{prefix}{project}/'
        self._bookmark = f'{base}{project}/'

    def of(self, collection: str, id_: str) -> LinkList:
        """Return the links of one item."""
        path = f'{collection}/{id_}'
        return [{'rel': 'self', 'href': self._self + path},
                {'rel': 'bookmark', 'href': self._bookmark + path}]

    def prefixes(self, collection: str) -> tuple[str, str]:
        """Return what stands before the id in both links (for long lists)."""
        return (f'{self._self}{collection}/',
                f'{self._bookmark}{collection}/')

    def next(self, path: str, query: dict[str, str], marker: str,
             ) -> LinkList:
        """Return the link to the page after the one that ends at a marker.

        :param path: the collection's path below the project.
        """
        values = {key: value for key, value in query.items()
                  if key not in ('marker', 'offset')}
        values['marker'] = marker
        return [{'rel': 'next', 'href':
                 f'{self._self}{path}?{parse.urlencode(values)}'}]


def base_url(conf: cfg.ConfigOpts, environ: dict[str, str]) -> str:
    """Return the URL of the service's root, without a slash at its end."""
    endpoint: str | None = conf.api.public_endpoint
    if endpoint:
        return endpoint.rstrip('/')
    host = environ.get('HTTP_HOST')
    if not host:
        host = f'{environ["SERVER_NAME"]}:{environ["SERVER_PORT"]}'
    script = environ.get('SCRIPT_NAME', '').rstrip('/')
    return f'{environ["wsgi.url_scheme"]}://{host}{script}'
