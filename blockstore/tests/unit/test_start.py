"""What a daemon loads at its start, which is most of the time it takes."""

import subprocess
import sys

from oslotest import base

#: What serves HTTP and asks for rights: the API alone needs it.
WEB = frozenset({'oslo_middleware', 'oslo_policy', 'requests', 'routes',
                 'waitress', 'webob'})
#: What only some requests, commands or settings need, and loads late.
RARE = frozenset({'alembic', 'gunicorn', 'keystoneauth1',
                  'keystonemiddleware', 'networkx', 'pyparsing',
                  'sqlalchemy.dialects.postgresql'})

LOOK = ('import sys\n'
        'import blockstore.cmd.{}\n'
        'print(*sys.modules)\n')


class StartTest(base.BaseTestCase):

    def loaded(self, kind: str) -> set[str]:
        done = subprocess.run(
            [sys.executable, '-W', 'ignore', '-c', LOOK.format(kind)],
            check=True, text=True, capture_output=True, timeout=120)
        return set(done.stdout.split())

    def test_daemons_without_http(self) -> None:
        for kind in ('scheduler', 'volume', 'backup'):
            loaded = self.loaded(kind)
            self.assertEqual(set(), loaded & (WEB | RARE | {'granian'}),
                             kind)

    def test_api(self) -> None:
        self.assertEqual(set(), self.loaded('api') & (RARE | {'waitress'}))
