"""Tensors of a PyTorch file: read by their strides, without running what the file says."""

from __future__ import annotations

import io
import pickle
import sys
import types
import zipfile
from collections import OrderedDict
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from affectflow.core.errors import UserError
from affectflow.training.torch_file import read_tensors

STORED = np.arange(24, dtype="<f4")
TENSORS = {  # storage, offset, size, strides
    "plain": ("0", 0, (2, 3, 4), (12, 4, 1)),
    "turned": ("0", 0, (4, 3, 2), (1, 4, 12)),
    "part": ("0", 5, (3,), (2,)),
    "scalar": ("1", 0, (), ()),
}


class _Reference:
    def __init__(self, key: str, count: int) -> None:
        self.key, self.count = key, count


class _Tensor:
    def __init__(self, *arguments: Any) -> None:
        self.arguments = arguments

    def __reduce__(self) -> Any:
        return sys.modules["torch._utils"]._rebuild_tensor_v2, self.arguments  # type: ignore[attr-defined]


@pytest.fixture
def torch_like(monkeypatch: pytest.MonkeyPatch) -> Any:
    """A module whose names are PyTorch's, so that a pickle of it names them."""
    torch, utils = types.ModuleType("torch"), types.ModuleType("torch._utils")

    def rebuild(*_: object) -> None: ...

    name = "_rebuild_tensor_v2"
    rebuild.__module__, rebuild.__qualname__, rebuild.__name__ = utils.__name__, name, name
    setattr(utils, name, rebuild)
    for kind in ("FloatStorage", "LongStorage"):
        setattr(torch, kind, type(kind, (), {"__module__": "torch"}))
    monkeypatch.setitem(sys.modules, "torch", torch)
    monkeypatch.setitem(sys.modules, "torch._utils", utils)
    return torch


def _pickled(value: object, torch: Any) -> bytes:
    class Pickler(pickle.Pickler):
        def persistent_id(self, one: object) -> object:
            if not isinstance(one, _Reference):
                return None
            kind = torch.FloatStorage if one.key == "0" else torch.LongStorage
            return ("storage", kind, one.key, "cpu", one.count, None)

    stream = io.BytesIO()
    Pickler(stream, 2).dump(value)
    return stream.getvalue()


def _state(**changes: Any) -> OrderedDict[str, Any]:
    found: OrderedDict[str, Any] = OrderedDict()
    for name, (key, offset, size, strides) in {**TENSORS, **changes}.items():
        found[name] = _Tensor(_Reference(key, 24 if key == "0" else 1), offset, size, strides, False, OrderedDict())
    return found


def legacy(path: Path, torch: Any, state: object, cut: int = 0) -> Path:
    parts = [0x1950A86A20F9469CFC6C, 1001, {"protocol_version": 1001, "little_endian": True, "type_sizes": {}}]
    data = b"".join(pickle.dumps(part, 2) for part in parts) + _pickled(state, torch) + pickle.dumps(["0", "1"], 2)
    data += (24).to_bytes(8, "little") + STORED.tobytes() + (1).to_bytes(8, "little") + np.int64(7).tobytes()
    path.write_bytes(data[: len(data) - cut])
    return path


def zipped(path: Path, torch: Any, state: object, cut: int = 0) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("model/data.pkl", _pickled(state, torch))
        archive.writestr("model/data/0", STORED.tobytes()[: 96 - cut])
        archive.writestr("model/data/1", np.int64(7).tobytes())
    return path


@pytest.mark.parametrize("write", [legacy, zipped])
def test_tensors_are_read_by_their_strides(tmp_path: Path, torch_like: Any, write: Any) -> None:
    found = read_tensors(write(tmp_path / "weights.pth", torch_like, _state()))
    whole = STORED.reshape(2, 3, 4)
    assert np.array_equal(found["plain"], whole)
    assert np.array_equal(found["turned"], whole.T)
    assert found["part"].tolist() == [5, 7, 9]
    assert found["scalar"].shape == () and found["scalar"] == 7
    assert all(one.flags.c_contiguous and one.flags.owndata for one in found.values())


class _Runs:
    def __reduce__(self) -> Any:
        return print, ("this ran",)


@pytest.mark.parametrize("write", [legacy, zipped])
@pytest.mark.parametrize(
    ("state", "cut", "why"),
    [
        ({"weight": _Runs()}, 0, r"names __builtin__.print, which is no tensor"),
        ({"far": ("0", 20, (9,), (1,))}, 0, "reaches beyond its numbers"),
        ({"back": ("0", -1, (2,), (1,))}, 0, "reaches beyond its numbers"),
        ({"wide": ("0", 0, (2, 2), (-1, 1))}, 0, "reaches beyond its numbers"),
        ({}, 12, "cut off"),
        ([1, 2], 0, "holds no tensors by name"),
    ],
)
def test_other_content_is_refused(
    tmp_path: Path, torch_like: Any, capsys: pytest.CaptureFixture[str], write: Any, state: Any, cut: int, why: str
) -> None:
    content: Any = state
    if isinstance(state, dict) and not any(isinstance(value, _Runs) for value in state.values()):
        content = _state(**state)
    with pytest.raises(UserError, match=why):
        read_tensors(write(tmp_path / "weights.pth", torch_like, content, cut))
    assert "this ran" not in capsys.readouterr().out


@pytest.mark.parametrize("content", [b"", b"no pickle", b"PK\x03\x04 but no archive"])
def test_other_files_are_one_sentence(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "weights.pth"
    path.write_bytes(content)
    with pytest.raises(UserError, match=r"weights\.pth cannot be read as a PyTorch state_dict .*save one with"):
        read_tensors(path)
    with pytest.raises(UserError, match="cannot be read"):
        read_tensors(tmp_path / "missing.pth")
