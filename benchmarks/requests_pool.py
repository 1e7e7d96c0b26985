"""What many scripts do: a pool of threads with ``requests``. ``python requests_pool.py LIST FOLDER THREADS``."""

import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import requests

local = threading.local()


def fetch(numbered: tuple[int, str]) -> None:
    number, url = numbered
    if not hasattr(local, "session"):
        local.session = requests.Session()
    body = local.session.get(url, timeout=20).content
    (FOLDER / f"{number}.jpg").write_bytes(body)


LIST, FOLDER, THREADS = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
FOLDER.mkdir(parents=True)
with ThreadPoolExecutor(THREADS) as pool:
    list(pool.map(fetch, enumerate(LIST.read_text().split())))
