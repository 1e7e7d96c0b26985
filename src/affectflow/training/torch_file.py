"""Read tensors from a file that PyTorch wrote, without PyTorch and without running what the file says.

A pickle may name any function to call. Here are known only those that tensors are made of; any other name is refused.
Both of PyTorch's formats are read: a ZIP archive (since 1.6), and the one before, a row of pickles and then the bytes
of all tensors (``torch/serialization.py`` describes both).
"""

from __future__ import annotations

import io
import pickle
import zipfile
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from affectflow.core.errors import UserError

_MAGIC = 0x1950A86A20F9469CFC6C
_PROTOCOL = 1001
_KINDS: Mapping[str, str] = {
    "FloatStorage": "<f4", "DoubleStorage": "<f8", "HalfStorage": "<f2", "LongStorage": "<i8", "IntStorage": "<i4",
    "ShortStorage": "<i2", "CharStorage": "i1", "ByteStorage": "u1", "BoolStorage": "?",
}  # fmt: skip
"""NumPy's type of each kind of storage."""

Tensors = dict[str, NDArray[Any]]


@dataclass(frozen=True, slots=True)
class _Kind:
    """Stands for a class of storages, such as ``torch.FloatStorage``."""

    type: np.dtype[Any]


@dataclass(slots=True)
class _Storage:
    """Numbers of tensors, which are known once the whole file is read."""

    type: np.dtype[Any]
    count: int
    values: NDArray[Any] | None = None


@dataclass(frozen=True, slots=True)
class _View:
    """A tensor: where it is in a storage, and by how many numbers its elements are apart."""

    storage: _Storage
    offset: int
    size: tuple[int, ...]
    strides: tuple[int, ...]

    def array(self) -> NDArray[Any]:
        values = self.storage.values
        if values is None:
            raise ValueError("a tensor has no numbers")
        last = self.offset + sum((n - 1) * step for n, step in zip(self.size, self.strides, strict=True))
        if self.offset < 0 or min(self.size, default=1) < 1 or min(self.strides, default=0) < 0 or last >= len(values):
            raise ValueError("a tensor reaches beyond its numbers")
        width = values.dtype.itemsize
        view = np.lib.stride_tricks.as_strided(
            values[self.offset :], self.size, [step * width for step in self.strides], writeable=False
        )
        return np.array(view, order="C")


def read_tensors(path: Path) -> Tensors:
    """Return the tensors of a file by name, as ``torch.save(module.state_dict(), path)`` wrote them.

    Args:
        path: The file.

    Raises:
        UserError: The file is damaged, holds something else, or would run code.
    """
    try:
        content = _read_zip(path) if zipfile.is_zipfile(path) else _read_legacy(path)
        if not isinstance(content, Mapping) or not all(isinstance(name, str) for name in content):
            raise ValueError("it holds no tensors by name")
        views = {name: value for name, value in content.items() if isinstance(value, _View)}
        if not views:
            raise ValueError("it holds no tensors by name")
        return {name: view.array() for name, view in views.items()}
    except Exception as error:  # pickle, zipfile and NumPy each raise their own errors for damaged bytes
        reason = " ".join(str(error).split())[:200] or type(error).__name__
        raise UserError(
            f"{path} cannot be read as a PyTorch state_dict ({reason}); save one with torch.save(model.state_dict(), "
            "path)."
        ) from None


class _Unpickler(pickle.Unpickler):
    """Unpickles tensors alone."""

    def __init__(self, stream: IO[bytes], storages: Callable[[tuple[Any, ...]], _Storage]) -> None:
        super().__init__(stream, encoding="utf-8")
        self._storages = storages

    def find_class(self, module: str, name: str) -> Any:
        if module == "torch" and name in _KINDS:
            return _Kind(np.dtype(_KINDS[name]))
        known: dict[tuple[str, str], Any] = {
            ("collections", "OrderedDict"): OrderedDict,
            ("torch._utils", "_rebuild_tensor_v2"): _rebuild,
            ("torch._utils", "_rebuild_parameter"): lambda data, *_: data,
        }
        if (module, name) not in known:
            raise ValueError(f"it names {module}.{name}, which is no tensor")
        return known[module, name]

    def persistent_load(self, pid: Any) -> _Storage:
        if not isinstance(pid, tuple) or len(pid) < 5 or pid[0] != "storage" or not isinstance(pid[1], _Kind):
            raise ValueError("it refers to something that is no tensor")
        return self._storages(pid)


def _rebuild(storage: _Storage, offset: int, size: tuple[int, ...], strides: tuple[int, ...], *_: object) -> _View:
    return _View(storage, int(offset), tuple(map(int, size)), tuple(map(int, strides)))


def _read_zip(path: Path) -> Any:
    with zipfile.ZipFile(path) as archive:
        (main,) = [name for name in archive.namelist() if name.endswith("/data.pkl") or name == "data.pkl"]
        folder = main.removesuffix("data.pkl")
        found: dict[str, _Storage] = {}

        def storage(pid: tuple[Any, ...]) -> _Storage:
            kind, key, count = pid[1], str(pid[2]), int(pid[4])
            if key not in found:
                data = archive.read(f"{folder}data/{key}")
                if len(data) < count * kind.type.itemsize:
                    raise ValueError(f"the numbers {key} are cut off")
                found[key] = _Storage(kind.type, count, np.frombuffer(data, kind.type, count))
            return found[key]

        return _Unpickler(io.BytesIO(archive.read(main)), storage).load()


def _read_legacy(path: Path) -> Any:
    found: dict[str, _Storage] = {}

    def storage(pid: tuple[Any, ...]) -> _Storage:
        kind, key, count = pid[1], str(pid[2]), int(pid[4])
        if len(pid) > 5 and pid[5] is not None:
            raise ValueError("its tensors share numbers in a way that is not read")
        return found.setdefault(key, _Storage(kind.type, count))

    with path.open("rb") as stream:
        plain = [_Unpickler(stream, storage).load() for _ in range(3)]
        if plain[0] != _MAGIC or plain[1] != _PROTOCOL or not plain[2].get("little_endian", False):
            raise ValueError("it does not begin as such a file")
        content = _Unpickler(stream, storage).load()
        for key in _Unpickler(stream, storage).load():
            one = found.get(str(key))
            if one is None:
                raise ValueError("it holds no tensors by name")
            count = int.from_bytes(stream.read(8), "little")
            data = stream.read(one.count * one.type.itemsize)
            if count != one.count or len(data) < one.count * one.type.itemsize:
                raise ValueError("it is cut off")
            one.values = np.frombuffer(data, one.type)
    return content
