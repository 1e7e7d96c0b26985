"""Peak memory of the processes of a session."""

from __future__ import annotations

import os
import threading
from pathlib import Path


class Memory:
    """Samples the resident memory of a session's processes, shared pages counted once for each.

    ``together`` and ``largest`` are megabytes: of all at once, and of the largest one.
    """

    def __init__(self, session: int) -> None:
        self._session = session
        self.together = self.largest = 0.0
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def _watch(self) -> None:
        page = os.sysconf("SC_PAGE_SIZE") / 1e6
        while not self._done.wait(0.05):
            sizes = [0.0]
            for entry in os.listdir("/proc"):
                if entry.isdigit():
                    try:
                        fields = Path("/proc", entry, "stat").read_text().rpartition(")")[2].split()
                    except OSError:
                        continue
                    if int(fields[3]) == self._session:
                        sizes.append(int(fields[21]) * page)
            self.together, self.largest = max(self.together, sum(sizes)), max(self.largest, *sizes)

    def end(self) -> None:
        self._done.set()
        self._thread.join()
