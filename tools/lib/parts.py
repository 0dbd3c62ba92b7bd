"""Run the parts of the tests, one after the other, and add them up.

    python tools/lib/parts.py [PART…] [-- REGEX]

A part is a set of checks (each a command that passes or fails) or a folder
of tests below ``blockstore/tests``, run by stestr.  The table at the end, and
the line ``N passed, N failed, N skipped`` after it, go to the file that
``BLOCKSTORE_TEST_SUMMARY`` names, or else to the standard output.
"""

import collections
import dataclasses
import json
import os
import pathlib
import signal
import subprocess
import sys
import time

import components
import kernels
import keystone

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
LOGS = pathlib.Path(
    os.environ.get('BLOCKSTORE_TEST_LOGS', ROOT / '.test-logs'))
BIN = pathlib.Path(sys.executable).parent
SUBUNIT_MARK = b'\xb3'


@dataclasses.dataclass(frozen=True)
class Check:
    """One command that passes or fails.

    :param history: whether it reads the history of the repository.
    """

    name: str
    command: tuple[str, ...]
    history: bool = False


@dataclasses.dataclass(frozen=True)
class Part:
    """What one part runs.

    :param checks: without any, the part is the folder of tests of the same
        name.
    :param workers: how many tests run at once.
    :param components: what is started for the tests, see ``components``.
    :param keystone: whether Keystone is installed for them.
    :param together: matches the start of the names of tests that share
        what is dear to start, and so are run by one worker.
    :param kernel: whether its tests need root on a kernel with LVM, of this
        machine or of guests; see ``kernels``.
    :param usual: whether it runs when no part is named.
    """

    name: str
    about: str
    checks: tuple[Check, ...] = ()
    workers: int = 2
    components: bool = False
    keystone: bool = False
    together: str | None = None
    kernel: bool = False
    usual: bool = True


@dataclasses.dataclass
class Result:
    """What one part came to."""

    name: str
    passed: int = 0
    failures: list[str] = dataclasses.field(default_factory=list)
    skipped: int = 0
    seconds: float = 0.0
    reasons: collections.Counter[str] = dataclasses.field(
        default_factory=collections.Counter)

    @property
    def failed(self) -> int:
        """How many checks or tests have failed."""
        return len(self.failures)

    def skip(self, reason: str, count: int = 1) -> None:
        """Count something as skipped, and say why."""
        self.skipped += count
        self.reasons[reason] += count


SPHINX = ('sphinx-build', '-q', '-N', '-W', '--keep-going', '-b', 'html')
LINT = (
    Check('ruff', ('ruff', 'check', '.')),
    Check('hacking', ('flake8',)),
    Check('mypy', ('mypy',)),
    Check('bandit', ('bandit', '-q', '-r', 'blockstore',
                     '-x', 'blockstore/tests', '-s', 'B404,B603,B607')),
    Check('imports', ('lint-imports', '--no-logo')),
    Check('release notes', ('reno', '-q', 'lint'), history=True),
    Check('samples', ('python', 'tools/samples', '--check')),
)
DOCS = (
    Check('documentation', (*SPHINX, 'doc/source', 'doc/build/html')),
    Check('release notes', (*SPHINX, 'releasenotes/source',
                            'releasenotes/build/html'), history=True),
)
PARTS = (
    Part('lint', 'style, types, layers, security, samples', LINT),
    Part('unit', 'one module at a time, no service'),
    Part('functional', 'the whole service in one process'),
    Part('contract', 'the suites that every driver and store must pass'),
    Part('crash', 'kill -9 at every step boundary', workers=1,
         components=True),
    Part('lvm', 'real LVM and iSCSI, on a kernel of their own', workers=1,
         kernel=True),
    Part('integration', 'real broker, databases, QEMU', workers=1,
         components=True),
    Part('compat', 'released OpenStack clients', keystone=True,
         together=r'blockstore\.tests\.compat\.(keystone|http_basic)'),
    Part('perf', 'budgets: ratios and counts', workers=1),
    Part('docs', 'documentation and release notes', DOCS),
)


def run_checks(part: Part, chosen: list[str]) -> Result:
    """Run the commands of a part; each is one pass or failure."""
    result = Result(part.name)
    for check in part.checks:
        if chosen and check.name not in chosen:
            continue
        if check.history and not has_history():
            result.skip(f'{check.name}: needs a clone with its history')
            continue
        done = subprocess.run(
            [str(BIN / check.command[0]), *check.command[1:]], cwd=ROOT,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, check=False)
        log = LOGS / f'{part.name}-{check.name.replace(" ", "-")}.log'
        log.write_text(done.stdout)
        print(f'  {check.name}: {"FAILED" if done.returncode else "ok"}',
              flush=True)
        if done.returncode:
            result.failures.append(check.name)
            print_end(done.stdout)
        else:
            result.passed += 1
    return result


def has_history() -> bool:
    """Tell whether this is a git clone, and not a shallow one."""
    try:
        answer = subprocess.run(
            ['git', 'rev-parse', '--is-shallow-repository'], cwd=ROOT,
            capture_output=True, text=True, check=False)
    except OSError:
        return False
    return answer.stdout.strip() == 'false'


def print_end(text: str, lines: int = 60) -> None:
    """Print the end of an output, and where the rest of it is."""
    all_lines = text.rstrip().splitlines()
    if len(all_lines) > lines:
        print(f'  ... {len(all_lines) - lines} lines more in {LOGS}')
    print('\n'.join(all_lines[-lines:]), flush=True)


# Logs are shown with the test that failed, and not otherwise.
CAPTURE = {'OS_LOG_CAPTURE': '1', 'OS_STDOUT_CAPTURE': '1',
           'OS_STDERR_CAPTURE': '1'}


def run_tests(part: Part, patterns: list[str]) -> Result:
    """Run the folder of tests of a part by stestr."""
    result = Result(part.name)
    folder = ROOT / 'blockstore' / 'tests' / part.name
    if not has_tests(folder):
        result.skip(f'there are no tests in {folder.relative_to(ROOT)}')
        return result
    with components.running(part.components, LOGS) as (found, missing):
        if part.keystone:
            try:
                found.update(keystone.provide(LOGS))
            except (keystone.NotThereError, OSError) as error:
                missing.append(f'Keystone: {error}')
        for reason in missing:
            print(f'  not there: {reason}', flush=True)
        environment = {**os.environ, **found, 'PYTHON': sys.executable,
                       **CAPTURE}
        run = kernels.run if part.kernel else run_here
        try:
            runs = run(part, folder, patterns, environment)
        except kernels.NotThereError as error:
            result.skip(str(error))
            return result
    for stestr, status in runs:
        failed = result.failed
        count_tests(result, [*stestr, 'last', '--subunit'])
        if status and result.failed == failed:
            result.failures.append(f'stestr ended with {status}')
    return result


def run_here(part: Part, folder: pathlib.Path, patterns: list[str],
             environment: dict[str, str]) -> list[tuple[list[str], int]]:
    """Run tests by stestr; return its command and how it ended."""
    stestr = kernels.repository(part.name, folder)
    command = [*stestr, 'run', '--concurrency', str(part.workers), *patterns]
    if part.together:
        command += ['--group-regex', part.together]
    # stestr finds its workers' interpreter in the environment.
    done = subprocess.run(command, cwd=ROOT, env=environment, check=False)
    return [(stestr, done.returncode)]


def has_tests(folder: pathlib.Path) -> bool:
    """Tell whether a folder has modules with tests in them."""
    return any('def test' in path.read_text()
               for path in folder.rglob('[!_]*.py'))


def count_tests(result: Result, command: list[str]) -> None:
    """Add up the outcomes of a run, which a command gives as subunit."""
    stream = subprocess.run(
        command, cwd=ROOT, capture_output=True, check=False).stdout
    if not stream.startswith(SUBUNIT_MARK):    # a message: nothing was run
        return
    tally = subprocess.run(
        [sys.executable, str(ROOT / 'tools' / 'lib' / 'tally.py')],
        input=stream, capture_output=True, check=False)
    if tally.returncode:
        print_end(tally.stderr.decode(errors='replace'))
        result.failures.append('the outcomes could not be counted')
        return
    counts = json.loads(tally.stdout)
    result.passed += counts['passed']
    result.failures += counts['failed']
    for reason, number in counts['reasons'].items():
        result.skip(reason, number)


def table(results: list[Result]) -> str:
    """Write the table, reasons of skips, what failed, the closing line."""
    lines = ['', f'{"part":<13}{"passed":>8}{"failed":>8}{"skipped":>9}'
                 f'{"seconds":>9}']
    lines += [f'{r.name:<13}{r.passed:>8}{r.failed:>8}{r.skipped:>9}'
              f'{r.seconds:>9.1f}' for r in results]
    for result in results:
        lines += [f'{result.name}: skipped {count}: {reason}'
                  for reason, count in result.reasons.items()]
    lines += [f'{result.name}: FAILED: {name}'
              for result in results for name in result.failures]
    lines += ['', f'{sum(r.passed for r in results)} passed, '
                  f'{sum(r.failed for r in results)} failed, '
                  f'{sum(r.skipped for r in results)} skipped', '']
    return '\n'.join(lines)


def main(arguments: list[str]) -> int:
    """Run the parts that are named, or the usual ones."""
    patterns: list[str] = []
    if '--' in arguments:
        cut = arguments.index('--')
        arguments, patterns = arguments[:cut], arguments[cut + 1:]
    known = {part.name: part for part in PARTS}
    unknown = [name for name in arguments if name not in known]
    if unknown:
        print(f'no such part: {", ".join(unknown)}; '
              f'there are: {", ".join(known)}')
        return 2
    chosen = ([known[name] for name in arguments]
              or [part for part in PARTS if part.usual])
    LOGS.mkdir(parents=True, exist_ok=True)
    # What was installed just now is written to the disk now, not in the
    # middle of tests that wait for it.
    os.sync()
    # What was started for the tests is stopped on the way out.
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(143))
    os.environ['PATH'] = f'{BIN}{os.pathsep}{os.environ["PATH"]}'
    results = []
    for part in chosen:
        print(f'\n== {part.name}: {part.about}', flush=True)
        begun = time.monotonic()
        run = run_checks if part.checks else run_tests
        result = run(part, patterns)
        result.seconds = time.monotonic() - begun
        results.append(result)
    text = table(results)
    target = os.environ.get('BLOCKSTORE_TEST_SUMMARY')
    if target:
        pathlib.Path(target).write_text(text)
    else:
        print(text, end='')
    return 1 if any(result.failed for result in results) else 0


if __name__ == '__main__':
    sys.exit(main(sys.argv[1:]))
