"""The storage daemons of a service that is under test, as the kernel sees.

They are found in the process table by their sockets, not through anything
that blockstore remembers, so that a forgotten one is found as well.
"""

import os
import pathlib
import signal
import time


def daemons(run_directory: str) -> dict[int, str]:
    """Return the storage daemons by process id, with their socket's stem."""
    found = {}
    for entry in pathlib.Path('/proc').iterdir():
        if not entry.name.isdigit():
            continue
        try:
            words = (entry / 'cmdline').read_bytes().decode().split('\0')
        except OSError:
            continue            # it has just ended
        for word in words:
            if word.startswith(f'{run_directory}/') and (
                    word.endswith('.pid')):
                found[int(entry.name)] = pathlib.Path(word).stem
    return found


def kill_all(run_directory: str) -> int:
    """End all storage daemons with SIGKILL; return how many there were."""
    killed = daemons(run_directory)
    for pid in killed:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            continue
    # A dying process has no command line any more, but still its locks.
    while any(_alive(pid) for pid in killed):
        time.sleep(0.002)
    return len(killed)


def _alive(pid: int) -> bool:
    try:
        text = pathlib.Path(f'/proc/{pid}/stat').read_text('utf-8')
    except OSError:
        return False
    return text.rpartition(')')[2].split()[0] not in 'ZX'
