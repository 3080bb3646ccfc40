"""`gateway` as it is, and beside it one thread that tells how many tasks its event loop has.

Production has no such window, and needs none: memory, descriptors and threads can be seen from outside,
tasks can't. `WINDOW` names the socket's path; each connection is answered with one number.
"""

import asyncio
import os
import socket
import sys
import threading
import time

from gateway.__main__ import main

WINDOW = "SOAK_WINDOW"


def _loop() -> asyncio.AbstractEventLoop:
    """The main thread's event loop, once it runs: a local of the frame that runs it."""
    while True:
        frame = sys._current_frames().get(threading.main_thread().ident or 0)
        while frame is not None:
            if frame.f_code is asyncio.Runner.run.__code__:
                runner: asyncio.Runner = frame.f_locals["self"]
                return runner.get_loop()
            frame = frame.f_back
        time.sleep(0.05)


def _tell(path: str) -> None:
    with socket.socket(socket.AF_UNIX) as window:
        window.bind(path)
        window.listen()
        loop = _loop()
        while True:
            asker, _ = window.accept()
            with asker:
                asker.sendall(b"%d" % len(asyncio.all_tasks(loop)))


if __name__ == "__main__":
    threading.Thread(target=_tell, args=(os.environ[WINDOW],), daemon=True).start()
    main()
