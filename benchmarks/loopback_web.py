"""nginx on loopback with images of 5 to 100 KB, and servers that never answer."""

from __future__ import annotations

import io
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from PIL import Image

PORT, CLOSING, SLOW, SILENT = 28080, 28081, 28082, 28083
IMAGES = 1000
_ECHO = Path("/usr/lib/nginx/modules/ngx_http_echo_module.so")  # Debian's libnginx-mod-http-echo

_CONFIGURATION = """
{module}
daemon off; worker_processes 1; pid {folder}/pid; error_log {folder}/error.log;
events {{ worker_connections 8192; }}
http {{
    log_format moment '$msec'; access_log {folder}/moments.log moment buffer=64k flush=200ms;
    sendfile on; tcp_nopush on; keepalive_requests 10000000; types {{ image/jpeg jpg; }}
    client_body_temp_path {folder}/1; proxy_temp_path {folder}/2; fastcgi_temp_path {folder}/3;
    uwsgi_temp_path {folder}/4; scgi_temp_path {folder}/5;
    server {{ listen 127.0.0.1:{port} backlog=4096; root {folder}/www; }}
    server {{ listen 127.0.0.1:{closing} backlog=4096; root {folder}/www; keepalive_timeout 0; }}
    server {{ listen 127.0.0.1:{slow} backlog=4096; root {folder}/www;
              location / {{ {sleep} }} location /now/ {{ alias {folder}/www/; }} }}
}}
"""


def draw(folder: Path) -> None:
    """The same images every time."""
    numbers = np.random.default_rng(0)
    folder.mkdir(parents=True)
    for i in range(IMAGES):
        side = int(numbers.integers(95, 490))
        smooth = Image.fromarray(numbers.integers(0, 256, (8, 8, 3), np.uint8)).resize((side, side))
        noisy = np.asarray(smooth, np.int16) + numbers.normal(0, 18, (side, side, 1)).astype(np.int16)
        buffer = io.BytesIO()
        Image.fromarray(noisy.clip(0, 255).astype(np.uint8)).save(buffer, "JPEG", quality=85)
        (folder / f"{i:04d}.jpg").write_bytes(buffer.getvalue())


class Web:
    """Where the images are, and when the server was asked."""

    def __init__(self, folder: Path) -> None:
        self._moments = folder / "moments.log"
        self.can_be_slow = _ECHO.exists()

    def urls(self, count: int, port: int = PORT) -> list[str]:
        return [f"http://127.0.0.1:{port}/{i % IMAGES:04d}.jpg?{i}" for i in range(count)]

    def url(self, name: str) -> str:
        return f"http://127.0.0.1:{PORT}/{name}"

    def silent_urls(self, count: int) -> list[str]:
        return [f"http://127.1.{i // 250}.{i % 250 + 1}:{SILENT}/{i}.jpg" for i in range(count)]

    def forget(self) -> None:
        time.sleep(0.5)
        os.truncate(self._moments, 0)

    def seconds(self) -> tuple[int, float]:
        """Requests since :meth:`forget`, and the time from the first to the last."""
        time.sleep(0.5)
        moments = sorted(float(line) for line in self._moments.read_text().replace("\0", "").split())
        return len(moments), moments[-1] - moments[0]


@contextmanager
def running(folder: Path, images: Path | None = None) -> Iterator[Web]:
    """A web with the images of a folder, or with its own."""
    nginx = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin")
    if nginx is None:
        raise SystemExit("nginx is not installed: apt-get install nginx-light libnginx-mod-http-echo")
    folder.parent.chmod(0o755)  # nginx's workers are another user
    if images is None:
        draw(folder / "www")
    else:
        folder.mkdir(parents=True)
        (folder / "www").symlink_to(images)
    configuration = folder / "nginx.conf"
    configuration.write_text(
        _CONFIGURATION.format(
            module=f"load_module {_ECHO};" if _ECHO.exists() else "",
            sleep="echo_sleep 0.1; echo_exec /now$uri;" if _ECHO.exists() else "return 404;",
            folder=folder,
            port=PORT,
            closing=CLOSING,
            slow=SLOW,
        )
    )
    server = subprocess.Popen([nginx, "-c", str(configuration), "-e", str(folder / "error.log")])
    try:
        for _ in range(100):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", PORT)) == 0:
                    break
            time.sleep(0.05)
        yield Web(folder)
    finally:
        server.terminate()
        server.wait(20)


@contextmanager
def silent(count: int) -> Iterator[None]:
    """Sockets that take connections and never say anything."""
    sockets = []
    for i in range(count):
        listening = socket.socket()
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((f"127.1.{i // 250}.{i % 250 + 1}", SILENT))
        listening.listen(64)
        sockets.append(listening)
    try:
        yield
    finally:
        for listening in sockets:
            listening.close()
