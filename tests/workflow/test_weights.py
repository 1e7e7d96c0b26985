"""ImageNet weights as an input: fetched by a rule, over loopback here, checked, and another file refused."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from affectflow.core.cache import file_sha256
from affectflow.training.backbones import find_backbone
from tests.conftest import Workflow

keras = pytest.importorskip("keras")

WEIGHTS = "results/weights/mobilenet_notop.h5"


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def published(tmp_path: Path) -> Iterator[tuple[Path, str]]:
    """A weights file of the right kind on a web server of ours; Keras pins no digest for this network."""
    path = tmp_path / "web" / find_backbone("MobileNet").weights
    path.parent.mkdir(parents=True)
    network = keras.applications.MobileNet(include_top=False, weights=None, input_shape=(32, 32, 3))
    network.save_weights(path.with_name("mobilenet.weights.h5"))
    path.with_name("mobilenet.weights.h5").rename(path)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(tmp_path / "web")))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield path, f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()
    thread.join()


def test_weights_are_fetched_once_and_another_file_is_refused(workflow: Workflow, published: tuple[Path, str]) -> None:
    path, url = published
    workflow.configure(pretrained={"base_url": url})
    workflow.succeed(WEIGHTS)
    fetched = workflow.folder / WEIGHTS
    assert fetched.read_bytes() == path.read_bytes()
    record = workflow.path("state/weights/mobilenet.sha256")
    assert record.read_text().strip() == file_sha256(path)
    assert workflow.run(WEIGHTS).nothing_done
    fetched.unlink()
    path.write_bytes(path.read_bytes() + b"more")
    result = workflow.run(WEIGHTS)
    assert result.status != 0 and not fetched.exists()
    assert "has the SHA-256" in result.output and "set models.<name>.weights to its path" in result.output
    assert "Traceback" not in result.output


def test_a_missing_file_is_named_before_anything_runs(workflow: Workflow) -> None:
    workflow.configure(models={"vgg": {"weights": "none-here.h5"}})
    result = workflow.run("results/models/vgg/model.keras", options=("-n",))
    assert result.status != 0
    assert "none-here.h5 does not exist; put the weights file (without top) there" in result.output
    assert "models.vgg.weights" in result.output
