"""What the repository tells its caller."""

from collections.abc import Callable
import dataclasses
import typing

from blockstore.backup.store import manifest


@dataclasses.dataclass(frozen=True)
class Progress:
    """How far a backup or restore has come.

    :ivar bytes_total: size of the image.
    :ivar bytes_done: bytes of the image that are settled.
    :ivar bytes_read: bytes read from the volume, or from the store when
        restoring.
    :ivar bytes_skipped: bytes settled that nobody had to read.
    :ivar bytes_stored: bytes added to the store; bytes written to the volume
        when restoring.
    :ivar chunks_written: chunks added to the store, or written to the volume.
    :ivar chunks_reused: chunks that were in the store already.
    """

    bytes_total: int = 0
    bytes_done: int = 0
    bytes_read: int = 0
    bytes_skipped: int = 0
    bytes_stored: int = 0
    chunks_written: int = 0
    chunks_reused: int = 0


@dataclasses.dataclass(frozen=True)
class BackupSummary:
    """A backup that is committed.

    :ivar record: what its manifest says.
    :ivar progress: what this attempt did.
    :ivar bytes_resumed: bytes that earlier attempts had settled.
    """

    record: manifest.BackupRecord
    progress: Progress
    bytes_resumed: int = 0


@dataclasses.dataclass(frozen=True)
class RestoreSummary:
    """A restore whose image digest was right."""

    record: manifest.BackupRecord
    progress: Progress


Tell = Callable[[Progress], None]
Check = Callable[[], None]
#: Asks for bytes to be read or written, and waits for some seconds at most;
#: while it is False, ask again for the same.
Pace = Callable[[int, float], bool]


class Lease(typing.Protocol):
    """The right to work on a backup, which somebody else may get."""

    def fence(self) -> None:
        """Raise if it may be lost; called before each write, by any thread.

        Cheap: it asks nobody.
        """

    def confirm(self) -> None:
        """Raise if it is lost.

        Whoever gets it does so after this has returned.
        """


class ForEver:
    """The lease of a caller that has no rivals."""

    def fence(self) -> None:
        """Never raise."""

    def confirm(self) -> None:
        """Never raise."""


FOR_EVER = ForEver()


def tell_nobody(progress: Progress) -> None:
    """Take progress and do nothing with it."""


def check_nothing() -> None:
    """Never tell to stop."""


def without_limit(length: int, seconds: float) -> bool:
    """Let any number of bytes pass at once."""
    return True
