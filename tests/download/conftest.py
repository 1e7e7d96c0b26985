"""A web server on loopback for the tests of a module, empty at the start of each."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests.loopback import Web


@pytest.fixture(scope="module")
def running(jpeg: Callable[..., bytes]) -> Iterator[Web]:
    server = Web(jpeg(1, 64))
    yield server
    server.stop()


@pytest.fixture
def site(running: Web) -> Web:
    running.hits.clear()
    running.answers.clear()
    return running
