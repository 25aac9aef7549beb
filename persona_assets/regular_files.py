"""Reading small files that people name or edit: mappings, settings, keys, results of a command.

Belongs here: refusing what would keep a program waiting or fill its memory: pipes, sockets,
devices, files far too large. Does not belong here: what the files mean, or the shop's data
(`sources/reading/`).
"""

import errno
import os
import stat
from pathlib import Path

MOST_BYTES = 64 * 1024 * 1024
"""More than any file that a person writes."""


def read(path: Path) -> bytes:
    """The bytes of the file at `path`.

    Raises:
        OSError: there is none, it cannot be read, is not a regular file or has more than
            `MOST_BYTES`; `strerror` says which.
    """
    # Without waiting: opening a pipe would last until somebody writes to it.
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        found = os.fstat(descriptor)
        if stat.S_ISDIR(found.st_mode):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
        if not stat.S_ISREG(found.st_mode):
            raise OSError(errno.EINVAL, "it is a pipe or device, not a file", str(path))
        if found.st_size > MOST_BYTES:
            raise OSError(errno.EFBIG, f"its {found.st_size:,} bytes are too many", str(path))
        with os.fdopen(descriptor, "rb", closefd=False) as file:
            return file.read()
    finally:
        os.close(descriptor)


def text(path: Path) -> str:
    """The text of the file at `path`: UTF-8, with or without a byte-order mark, any line ends.

    Raises:
        OSError: as `read`.
        UnicodeDecodeError: it is not UTF-8.
    """
    return read(path).decode("utf-8-sig").replace("\r\n", "\n").replace("\r", "\n")
