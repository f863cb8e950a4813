"""The data folder: where it is, what in it is secret, and where the sockets of its servers are.

No Django here: the settings import this.
"""

import contextlib
import fcntl
import hashlib
import os
import re
import secrets
import stat
from collections.abc import Iterator
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parent.parent
# sun_path holds 103 bytes on macOS and 107 on Linux.
LONGEST_SOCKET_PATH = 100
LONGEST_SOCKET_NAME = "/.s.PGSQL.5432"
# What can stand in a URL, in a PostgreSQL list and in a host parameter without any quoting.
PLAIN_PATH = re.compile(r"[A-Za-z0-9_./@+-]+")


class EmbeddedServerError(SystemExit):
    """A SystemExit, because it is raised while settings load: the user gets the line, not a traceback."""


def data_dir() -> Path:
    """The folder of everything that must survive: `DAYLIGHT_DATA`, else `.daylight` in the checkout."""
    named = os.environ.get("DAYLIGHT_DATA")
    return (Path(named).expanduser() if named else CHECKOUT / ".daylight").resolve()


def existing_data_dir() -> Path:
    """The data folder, made when missing. Root's lets others pass (not look): `postgres._make_passable`."""
    folder = data_dir()
    try:
        folder.mkdir(mode=0o711 if os.geteuid() == 0 else 0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise EmbeddedServerError(f"The data folder cannot be made ({error}): set DAYLIGHT_DATA.") from error
    return folder


def log_dir() -> Path:
    folder = existing_data_dir() / "logs"
    folder.mkdir(mode=0o700, exist_ok=True)
    return folder


def kept_secret(name: str, *, nbytes: int) -> str:
    """A random text, made once and kept in the data folder for our eyes only."""
    path = existing_data_dir() / name
    with locked(path.with_name("secrets.lock")):
        if not path.exists() or not path.read_text().strip():
            draft = path.with_name(f"{name}.new")
            draft.touch(mode=0o600)
            draft.write_text(secrets.token_urlsafe(nbytes) + "\n")
            draft.replace(path)
        return path.read_text().strip()


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    """Holds this lock file; the kernel releases the lock of a killed process."""
    try:
        file = path.open("a")
    except PermissionError:
        raise EmbeddedServerError(f"{path} belongs to another user: set DAYLIGHT_DATA.") from None
    with file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def socket_dir(home: Path) -> Path:
    """The server's own folder, or one with a short and plain name when a socket there cannot be named."""
    if len(os.fsencode(f"{home}{LONGEST_SOCKET_NAME}")) <= LONGEST_SOCKET_PATH and PLAIN_PATH.fullmatch(f"{home}"):
        return home
    digest = hashlib.sha256(os.fsencode(home)).hexdigest()[:16]
    return Path("/tmp") / f"daylight-{os.geteuid()}-{digest}"  # noqa: S108 (private_socket_dir looks at it)


def private_socket_dir(home: Path, *, uid: int) -> Path:
    """`socket_dir`, made if need be, and refused unless it is this user's alone."""
    folder = socket_dir(home)
    if folder == home:
        return folder
    try:
        folder.mkdir(mode=0o700)
        os.chown(folder, uid, -1)
    except FileExistsError:
        found = folder.lstat()
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != uid or stat.S_IMODE(found.st_mode) & 0o077:
            complaint = f"{folder} is not private to us: remove it, or shorten DAYLIGHT_DATA."
            raise EmbeddedServerError(complaint) from None
    return folder


def drop_socket_dir(home: Path) -> None:
    """Removes the short folder when its server has stopped and left it empty."""
    folder = socket_dir(home)
    if folder != home:
        with contextlib.suppress(OSError):
            folder.rmdir()
