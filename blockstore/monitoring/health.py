"""Liveness and readiness, told apart.

*Live*: the threads of this process do their work; only a new process can
mend what is not.  *Ready*: what it depends on is there too, so that it does
what it is asked for; when it is not, starting it again mends nothing.

Liveness asks nobody outside the process.  Readiness runs the checks of all
services, each in a thread that may hang: who does not answer in time is not
ready.  Answers are told again for some seconds.

>>> health = Health(conf, [manager], {'database': check_database})
>>> health.ready()
{'database': 'ok', 'volume': 'ok', 'driver': 'not ready'}
"""

from collections.abc import Iterable
from collections.abc import Mapping
from collections.abc import Sequence
import threading
import time

from oslo_config import cfg
from oslo_log import log as logging

from blockstore.service import base

LOG = logging.getLogger(__name__)
OK, FAILED, SILENT = 'ok', 'failed', 'no answer'
NOT_READY = 'not ready'
Answers = dict[str, str]


class Health:
    """Looks after the services of one process.

    :param checks: what the whole process depends on.
    """

    def __init__(self, conf: cfg.ConfigOpts,
                 services: Sequence[base.Service],
                 checks: Mapping[str, base.Check]) -> None:
        self._services = services
        self._timeout: int = conf.observability.check_timeout
        every = dict(checks)
        for service in services:
            every.update(service.checks())
        self._checks = {
            name: _Answer(name, check, conf.observability.check_interval)
            for name, check in every.items()}

    def live(self) -> Answers:
        """Tell of each service whether its threads do their work."""
        return _together((service.name, OK if service.healthy() else FAILED)
                         for service in self._services)

    def ready(self) -> Answers:
        """Tell of each service, and of what it needs, whether it is there."""
        answers = _together(
            (service.name, OK if service.ready() else NOT_READY)
            for service in self._services)
        deadline = time.monotonic() + self._timeout
        for check in self._checks.values():
            check.ask()
        for name, check in self._checks.items():
            answers[name] = check.answer(deadline)
        return answers


def _together(answers: Iterable[tuple[str, str]]) -> Answers:
    """Let services of one name be well only if all of them are."""
    found: Answers = {}
    for name, answer in answers:
        if found.get(name, OK) == OK:
            found[name] = answer
    return found


class _Answer:
    """What one check says, asked for at most every so many seconds."""

    def __init__(self, name: str, check: base.Check,
                 interval: float) -> None:
        self._name = name
        self._check = check
        self._interval = interval
        self._changed = threading.Condition()
        self._asking = False
        self._answer = ''
        self._answered_at: float | None = None

    def ask(self) -> None:
        """Ask anew if the last answer is old and nobody is asking."""
        with self._changed:
            old = self._answered_at is None or (
                time.monotonic() - self._answered_at >= self._interval)
            if self._asking or not old:
                return
            self._asking = True
        threading.Thread(target=self._run, name=f'check-{self._name}',
                         daemon=True).start()

    def answer(self, deadline: float) -> str:
        """Return the answer, or that there is none by then."""
        with self._changed:
            answered = self._changed.wait_for(
                lambda: not self._asking, base.remaining(deadline))
            return self._answer if answered else SILENT

    def _run(self) -> None:
        answer = OK
        try:
            self._check()
        except Exception as error:  # noqa: BLE001
            # The boundary of the check: whatever it raises says no.
            answer = FAILED
            if self._answer != FAILED:
                LOG.warning('%s is not there: %s', self._name, error)
        with self._changed:
            if self._answer == FAILED and answer == OK:
                LOG.info('%s is there again', self._name)
            self._answer = answer
            self._answered_at = time.monotonic()
            self._asking = False
            self._changed.notify_all()
