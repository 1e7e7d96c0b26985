"""Change settings that libraries keep for the whole process, but only while they are needed."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any


class ProcessSetting:
    """A setting that has another value while at least one thread is inside :meth:`changed`."""

    def __init__(self, get: Callable[[], Any], set_to: Callable[[Any], object], value: Any) -> None:
        self._get = get
        self._set = set_to
        self._value = value
        self._before: Any = None
        self._users = 0
        self._lock = threading.Lock()

    @contextmanager
    def changed(self) -> Iterator[None]:
        """Give the setting its other value inside the block, and the former one after the last such block."""
        with self._lock:
            if not self._users:
                self._before = self._get()
                self._set(self._value)
            self._users += 1
        try:
            yield
        finally:
            with self._lock:
                self._users -= 1
                if not self._users:
                    self._set(self._before)
