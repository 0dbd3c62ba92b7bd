"""From a WSGI request to a handler and back.

The steps, for every request alike: split the path, find the rows of
:mod:`blockstore.api.routes`, negotiate the microversion, check who asks and
for which project, read and check the body, ask policy, call the handler.
Whatever is raised on the way becomes a fault here, and only here.
"""

from collections.abc import Sequence
import dataclasses
import re
import time
from typing import Any
from urllib import parse

from oslo_config import cfg
from oslo_log import log as logging
import routes as routes_lib

from blockstore import errors
from blockstore import exceptions
from blockstore.api import faults
from blockstore.api import links
from blockstore.api import microversions
from blockstore.api import policy
from blockstore.api import request
from blockstore.api import response
from blockstore.api.rows import Row
from blockstore.db import retry

LOG = logging.getLogger(__name__)

REQUEST_ID_KEY = 'openstack.request_id'
GLOBAL_REQUEST_ID_KEY = 'openstack.global_request_id'
OPEN_PROJECT_KEY = 'blockstore.project_from_url'
ROW_KEY = 'blockstore.row'
_LONGEST_PROJECT = 255


@dataclasses.dataclass
class _Page:
    """Everything that answers under one path."""

    methods: dict[str, list[Row]] = dataclasses.field(default_factory=dict)
    actions: dict[str, list[Row]] = dataclasses.field(default_factory=dict)


class Router:
    """The WSGI application at the end of the pipeline.

    :param roots: rows whose paths are whole ones and need no caller.
    :param rows: rows whose paths follow the version and the project.
    :param services: what handlers find as ``req.services``.
    """

    def __init__(self, conf: cfg.ConfigOpts, roots: Sequence[Row],
                 rows: Sequence[Row], services: Any,
                 enforcer: policy.Enforcer) -> None:
        self._conf = conf
        self._services = services
        self._enforcer = enforcer
        self._max_bytes: int = conf.api.max_request_bytes
        self._roots = {(row.method, row.path): row for row in roots}
        self._pages = _pages(rows)
        self._mapper = routes_lib.Mapper(explicit=True, register=False)
        self._mapper.minimization = False
        for path in self._pages:
            self._mapper.connect(None, path, page=path)
        # Else the first requests would do it, several at a time.
        self._mapper.create_regs()
        project = conf.api.project_id_regex
        self._path = re.compile(
            rf'/(v[23])(?:/({project}))?(/.*)', re.DOTALL)
        self._bare_path = re.compile(r'/(v[23])()(/.*)', re.DOTALL)

    def __call__(self, environ: response.Environ,
                 start_response: response.StartResponse) -> list[bytes]:
        began = time.monotonic()
        req = request.Request(environ)
        headers: list[tuple[str, str]] = []
        try:
            answer = self._answer(req, headers)
        except Exception as error:  # noqa: BLE001
            # The boundary of the API: what is no refusal is a defect, and
            # told as a bare 500; respond() logs it.
            answer = faults.respond(error)
        answer.headers.extend(headers)
        if LOG.isEnabledFor(logging.INFO):
            # Quoted, so that no path can write a line of its own.
            LOG.info('%s %s: %s in %.1f ms', environ['REQUEST_METHOD'],
                     parse.quote(environ.get('PATH_INFO', '')), answer.code,
                     (time.monotonic() - began) * 1000)
        return answer.send(start_response)

    def _answer(self, req: request.Request,
                headers: list[tuple[str, str]]) -> response.Response:
        path = _decode(req.environ.get('PATH_INFO', ''))
        req.app_conf = self._conf
        req.services = self._services
        req.enforcer = self._enforcer
        root = self._roots.get((req.environ['REQUEST_METHOD'], path))
        if root is not None:
            req.row = req.environ[ROW_KEY] = root
            return _as_response(root, root.handler(req))
        version, project, page, arguments = self._match(path)
        req.project_in_url = project
        if version == 'v2':
            req.microversion = microversions.MIN
        else:
            req.microversion = microversions.negotiate(
                req.environ.get('HTTP_OPENSTACK_API_VERSION'))
            headers.append((microversions.HEADER,
                            f'volume {req.microversion}'))
            headers.append(('Vary', microversions.HEADER))
        self._check_caller(req, project)
        req.links = links.Links(links.base_url(self._conf, req.environ),
                                version, project)
        req.row = row = self._choose(req, page)
        req.environ[ROW_KEY] = row
        self._enforcer.require(req.context, row.policy)
        req.context.any_project = self._enforcer.reaches(
            req.context, row.policy)
        if row.schema is not None:
            if req.body_json is None:
                raise faults.BadRequest('the request needs a body')
            row.schema.check(req.body_json)
        return _as_response(row, retry.whole(row.handler)(req, **arguments))

    def _match(self, path: str,
               ) -> tuple[str, str | None, _Page, dict[str, str]]:
        """Return the version, the project, the page and its arguments."""
        if path.endswith('.json'):
            path = path[:-5]
        for pattern in (self._path, self._bare_path):
            parts = pattern.fullmatch(path)
            if parts is None:
                continue
            version, project, below = parts.groups()
            if project and len(project) > _LONGEST_PROJECT:
                break
            arguments = self._mapper.match(below)
            if arguments:
                page = self._pages[arguments.pop('page')]
                return version, project or None, page, arguments
        raise faults.NoSuchPage('there is no such URL')

    def _check_caller(self, req: request.Request, project: str | None,
                      ) -> None:
        context = req.environ.get(request.CONTEXT_KEY)
        if context is None:
            raise faults.Unauthorized('the request does not say who asks',
                                      remedy='send X-Auth-Token')
        if context.project_id is None:
            scope = ('the whole system' if context.system_scope else
                     'a domain' if context.domain_id else 'no project')
            raise exceptions.Forbidden(
                f'the token is of {scope}, and all things here belong to '
                'projects', code=errors.REQUEST_WRONG_SCOPE,
                remedy='ask Keystone for a token of a project')
        if project is None or project == context.project_id:
            return
        if not req.environ.get(OPEN_PROJECT_KEY):
            raise faults.BadRequest(
                'the project in the URL is not that of the token')
        context.project_id = project

    def _choose(self, req: request.Request, page: _Page) -> Row:
        """Return the row for a method, or an action, at this version."""
        method = req.environ['REQUEST_METHOD']
        if page.actions and method == 'POST':
            return self._choose_action(req, page)
        rows = page.methods.get(method, ())
        for row in rows:
            if row.min <= req.microversion <= row.max:
                if row.schema is not None:
                    req.body_json = req.read_json(self._max_bytes)
                return row
        raise faults.NoSuchPage(
            f'{method} of this URL is not there at version '
            f'{req.microversion}')

    def _choose_action(self, req: request.Request, page: _Page) -> Row:
        body = req.body_json = req.read_json(self._max_bytes)
        if not isinstance(body, dict) or len(body) != 1:
            raise faults.BadRequest(
                "the body of an action has one key, the action's name")
        name = next(iter(body))
        rows = page.actions.get(name)
        if rows is None:
            raise faults.BadRequest(f'There is no such action: {name[:64]}')
        for row in rows:
            if row.min <= req.microversion <= row.max:
                return row
        raise faults.NoSuchPage(
            f'{name} is not there at version {req.microversion}')


def _pages(rows: Sequence[Row]) -> dict[str, _Page]:
    pages: dict[str, _Page] = {}
    for row in rows:
        page = pages.setdefault(row.path, _Page())
        if row.action is not None:
            page.actions.setdefault(row.action, []).append(row)
        else:
            page.methods.setdefault(row.method, []).append(row)
    return pages


def _as_response(row: Row, result: Any) -> response.Response:
    if isinstance(result, response.Response):
        return result
    return response.Response(row.code, result)


def _decode(path: str) -> str:
    """Return a WSGI path as the text that the client meant."""
    try:
        text = path.encode('latin-1').decode()
    except UnicodeError:
        raise faults.BadRequest('the URL is no text') from None
    request.check_path(text)
    return text
