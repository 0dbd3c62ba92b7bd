"""Running programs: without a shell, in plain English, with a deadline."""

from collections.abc import Sequence
import re
import subprocess

#: Seconds that a program may take which only changes metadata.
DEADLINE = 120.0
_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'
_NAME = re.compile(r'[A-Za-z0-9_.+][A-Za-z0-9_.+:-]{0,126}')
_LAST_WORDS = 2000
_GRACE = 10.0


class CommandFailed(Exception):
    """Raised when a program ended badly, or did not end in time.

    It crosses the border between the processes by its arguments.

    :param command: what was run, as one line.
    :param exit_code: its exit status; None when it was stopped.
    :param stderr: what it said about it.
    """

    def __init__(self, command: str, exit_code: int | None, stderr: str,
                 ) -> None:
        super().__init__(command, exit_code, stderr)
        self.command = command
        self.exit_code = exit_code
        self.stderr = stderr

    def __str__(self) -> str:
        how = ('was stopped: it took too long' if self.exit_code is None
               else f'ended with {self.exit_code}')
        return f'{self.command} {how}: {self.stderr.strip() or "no message"}'


def name(text: str) -> str:
    """Return a name that is no option and no path.

    :raises ValueError: it is not one.
    """
    if not _NAME.fullmatch(text) or text in ('.', '..'):
        raise ValueError(f'{text!r} is no name of LVM or iSCSI')
    return text


def run(words: Sequence[str], deadline: float = DEADLINE,
        secrets: Sequence[str] = ()) -> str:
    """Run a program to its end; return its standard output.

    :param deadline: seconds after which it is killed.
    :param secrets: words that no error shall show.
    :raises CommandFailed: its exit status was not 0, or it was killed.
    """
    shown = ' '.join('***' if word in secrets else word for word in words)
    try:
        process = subprocess.Popen(
            list(words), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True, errors='replace',
            env={'PATH': _PATH, 'LC_ALL': 'C', 'HOME': '/',
                 'LVM_SUPPRESS_FD_WARNINGS': '1'})
    except OSError as error:
        raise CommandFailed(shown, 127, str(error)) from None
    try:
        output, said = process.communicate(timeout=deadline)
    except subprocess.TimeoutExpired:
        raise CommandFailed(shown, None, _stop(process)) from None
    if process.returncode:
        raise CommandFailed(shown, process.returncode, said[-_LAST_WORDS:])
    return output


def _stop(process: 'subprocess.Popen[str]') -> str:
    """End a program; return what it said.

    Asked first: LVM then leaves no device suspended.
    """
    process.terminate()
    try:
        said = process.communicate(timeout=_GRACE)[1]
    except subprocess.TimeoutExpired:
        process.kill()
        said = process.communicate()[1]
    return said[-_LAST_WORDS:]
