"""The REST API for any WSGI server: ``blockstore.wsgi:application``.

    $ gunicorn --workers 4 --threads 8 blockstore.wsgi:application

The configuration is read at the import, from the usual places or from the
files that ``OS_BLOCKSTORE_CONFIG_FILES`` names (with ``;`` between them).
Nothing else happens then: database, broker and threads come with the first
request, in whichever process serves it, so a server may fork as it likes,
before or after the import.  Until the database has the tables that this
release needs, each request is answered with 503 and the way out.
"""

import atexit
from collections.abc import Iterable
import functools
import os
import threading
import typing

from oslo_config import cfg
from oslo_db import exception as db_exception
from oslo_log import log as logging

from blockstore import exceptions
from blockstore.api import faults
from blockstore.api import response
from blockstore.cmd import api
from blockstore.cmd import assembly
from blockstore.db import schema
from blockstore.notifications.publisher import Publisher

LOG = logging.getLogger(__name__)

FILES_VARIABLE = 'OS_BLOCKSTORE_CONFIG_FILES'


class Application:
    """Makes the application once in each process, with its first request."""

    def __init__(self, conf: cfg.ConfigOpts) -> None:
        self._conf = conf
        self._forget()
        os.register_at_fork(after_in_child=self._forget)

    def __call__(self, environ: dict[str, typing.Any],
                 start_response: typing.Any) -> Iterable[bytes]:
        """Answer one request."""
        try:
            app = self._app()
        except (exceptions.Unavailable, db_exception.DBError) as error:
            # Nothing was made, so the next request looks again.
            LOG.error('The API cannot serve yet: %s', error)
            return faults.respond(error).send(start_response)
        return app(environ, start_response)

    def _forget(self) -> None:
        self._lock = threading.Lock()
        self._made: response.App | None = None

    def _app(self) -> response.App:
        with self._lock:
            if self._made is None:
                self._check_schema()
                publisher = Publisher(self._conf)
                self._made = api.application(self._conf, publisher)
                atexit.register(
                    functools.partial(api.say_last_words, publisher))
            return self._made

    def _check_schema(self) -> None:
        opened = assembly.database(self._conf)
        try:
            schema.check(opened)
        finally:
            opened.dispose()


def _arguments() -> list[str]:
    """Return a command line: that of the server is not ours to read."""
    files = os.environ.get(FILES_VARIABLE, '').split(';')
    return [f'--config-file={name}' for name in files if name]


application = Application(assembly.prepare('blockstore-api', _arguments()))
