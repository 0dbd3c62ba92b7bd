"""How versions look."""

from typing import Any

from blockstore.api import microversions

DOCUMENTS = 'https://docs.openstack.org/'


def versions(base: str) -> dict[str, Any]:
    """Return the document that clients discover the API by."""
    return {'versions': [{
        'id': 'v3.0',
        'status': 'CURRENT',
        'version': str(microversions.MAX),
        'min_version': str(microversions.MIN),
        'updated': '2023-08-31T00:00:00Z',
        'links': [
            {'rel': 'describedby', 'type': 'text/html', 'href': DOCUMENTS},
            {'rel': 'self', 'href': f'{base}/v3/'}],
        'media-types': [{
            'base': 'application/json',
            'type': 'application/vnd.openstack.volume+json;version=3'}],
    }]}
