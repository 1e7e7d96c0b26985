"""Load libraries once, then run each job in a fork; the address of the socket and the libraries are the arguments.

Ends when standard input does. A job whose client is gone is killed.
"""

from __future__ import annotations

import array
import atexit
import gc
import importlib
import json
import os
import runpy
import select
import signal
import socket
import sys
import tempfile
import threading
import traceback
from typing import NoReturn


def main(address: str, libraries: list[str]) -> None:
    for library in libraries:
        importlib.import_module(library)
    # A job may be of an edited copy, and some modules set the environment when they are imported.
    for name in [name for name in sys.modules if name.partition(".")[0] in ("affectflow", "tests")]:
        del sys.modules[name]
    assert threading.active_count() == 1
    gc.freeze()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listening:
        listening.bind(address)
        listening.listen(64)
        while True:
            ready, _, _ = select.select([listening, 0], [], [])
            if 0 in ready:
                return
            connection, _ = listening.accept()
            if os.fork() == 0:
                listening.close()
                os._exit(_serve(connection))
            connection.close()


def _serve(connection: socket.socket) -> int:
    """Run one job in a fork of this fork, and send its status; kill it when the client goes away."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    _, [(_, _, sent)], _, _ = connection.recvmsg(1, socket.CMSG_SPACE(3 * 4))
    files = array.array("i", sent).tolist()
    job = json.loads(connection.makefile().readline())
    ended, ends = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(ended)
        _run(job, files)
    os.close(ends)
    ready, _, _ = select.select([ended, connection], [], [])
    if ended not in ready:
        os.killpg(pid, signal.SIGKILL)
    _, status = os.waitpid(pid, 0)
    if ended in ready:
        connection.sendall(f"{os.waitstatus_to_exitcode(status)}\n".encode())
    return 0


def _run(job: dict[str, object], files: list[int]) -> NoReturn:
    os.setsid()  # so that its own processes are killed with it
    for target, file in enumerate(files):
        os.dup2(file, target)
    os.chdir(str(job["folder"]))
    environment = job["environment"]
    assert isinstance(environment, dict)
    os.environ.clear()
    os.environ.update(environment)
    tempfile.tempdir = None  # TMPDIR may have changed
    script = str(job["script"])
    arguments = job["arguments"]
    assert isinstance(arguments, list)
    sys.argv = [script, *arguments]
    sys.path[:0] = [os.path.dirname(script), *filter(None, environment.get("PYTHONPATH", "").split(os.pathsep))]
    status = 1
    try:
        runpy.run_path(script, run_name="__main__")
        status = 0
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:
        traceback.print_exc()
    finally:
        atexit._run_exitfuncs()
        for stream in (sys.stdout, sys.stderr):
            if not stream.closed:
                stream.flush()
        os._exit(status)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
