"""Disks that fail: a process whose system calls to the ledger's file end in an error from a moment on.

The kernel itself refuses them (a seccomp filter, https://docs.kernel.org/userspace-api/seccomp_filter.html),
so SQLite meets what a real disk would give it. A filter stays for as long as its process lives.
"""

import ctypes
import os
import platform
import signal
import struct
from typing import Final

_NUMBERS: Final = {
    "x86_64": {"pwrite64": 18, "fdatasync": 75, "seccomp": 317},
    "aarch64": {"pwrite64": 68, "fdatasync": 83, "seccomp": 277},
}
"""System call numbers. SQLite writes with pwrite64 and syncs with fdatasync; the gateway's log lines and
spool use neither."""

_LOAD_NUMBER: Final = (0x20, 0, 0, 0)  # BPF_LD | BPF_W | BPF_ABS at seccomp_data.nr
_SKIP_UNLESS: Final = 0x15  # BPF_JMP | BPF_JEQ | BPF_K
_RETURN: Final = 0x06  # BPF_RET | BPF_K
_ALLOW: Final = 0x7FFF0000  # SECCOMP_RET_ALLOW
_ERRNO: Final = 0x00050000  # SECCOMP_RET_ERRNO
_NO_NEW_PRIVILEGES: Final = 38  # PR_SET_NO_NEW_PRIVS
_SET_MODE_FILTER: Final = 1
_ALL_THREADS: Final = 1  # SECCOMP_FILTER_FLAG_TSYNC


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_void_p))


def fail_from_now_on(call: str, error: int) -> None:
    """Every `call` of this process, in whichever thread, ends in `error`. Raises OSError."""
    numbers = _NUMBERS[platform.machine()]
    lines = (
        _LOAD_NUMBER,
        (_SKIP_UNLESS, 0, 1, numbers[call]),
        (_RETURN, 0, 0, _ERRNO | error),
        (_RETURN, 0, 0, _ALLOW),
    )
    code = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *line) for line in lines))
    program = _Program(len(lines), ctypes.cast(code, ctypes.c_void_p))
    system = ctypes.CDLL(None, use_errno=True)
    system.prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0)
    if system.syscall(numbers["seccomp"], _SET_MODE_FILTER, _ALL_THREADS, ctypes.byref(program)) != 0:
        raise OSError(ctypes.get_errno(), "seccomp")


def fail_when_told(call: str, error: int) -> None:
    """The same from the first SIGUSR1 on."""
    signal.signal(signal.SIGUSR1, lambda *_: fail_from_now_on(call, error))


def tell(process_id: int) -> None:
    """Let the disk of a process fail."""
    os.kill(process_id, signal.SIGUSR1)
