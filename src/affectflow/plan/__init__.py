"""Derive from a configuration which scores are made, from which runs and inputs.

The workflow's rules take their inputs and params from here. No file is opened except to tell whether a folder that the
user owns has changed. Importing this is fast, because every job does.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from affectflow.config import Values, check
from affectflow.core.errors import UserError
from affectflow.datasets import synthetic
from affectflow.download.outcomes import OUTCOMES
from affectflow.plan.data import EMOTIONET, Data
from affectflow.plan.faces import Faces
from affectflow.plan.models import Models
from affectflow.plan.scores import Scores

_ENLARGED = 1.1
"""Above so many times the stored size, a network's input is worth a warning."""
_FOLLOWED = 5
"""Images a second that an annotator can follow."""


class Plan:
    """A checked configuration and everything derived from it.

    Raises :class:`UserError` when the configuration does not fit its schema or mixes drawn with real data.
    """

    def __init__(self, config: Values) -> None:
        self._config = checked = check(config)
        unknown = sorted(set(checked.download.retry_outcomes) - OUTCOMES.keys())
        if unknown:
            raise UserError(
                f"download.retry_outcomes names an unknown outcome {unknown[0]!r}; known are {', '.join(OUTCOMES)}."
            )
        self.data = Data(checked.data)
        self.synthetic = synthetic.check_unmixed(self.data.of_one_kind())
        if not self.synthetic:
            self._check_real()
        self.models = Models(checked, self.data)
        self.faces = Faces(checked.faces)
        self.scores = Scores(checked, self.data, self.models, self.faces, self.synthetic)

    def given_paths(self) -> list[Path]:
        """Return the files and folders that the user owns and jobs read."""
        given = [*self.data.given().values(), *self.models.given_weights()]
        given += [Path(path) for path in (self._config.faces.model.path, self.data.reference) if path is not None]
        return [path for path in dict.fromkeys(given) if not path.is_relative_to("results")]

    def warnings(self) -> Iterator[str]:
        """Yield a sentence for each setting that is allowed, and seldom meant."""
        stored = self._config.records.image_size
        for name, size in self.models.input_sizes().items():
            if size > _ENLARGED * stored:
                yield (
                    f"models.{name}.input_size is {size}, and records.image_size {stored}: images are enlarged, which "
                    f"shows a model nothing more; set records.image_size to {size} or more."
                )
        rate = self._config.annotation.frame_rate
        if not self.synthetic and self.data.configured(EMOTIONET) and rate > _FOLLOWED:
            yield (
                f"annotation.frame_rate is {rate:g}: nobody can rate {rate:g} people a second; set it to 1 to "
                f"{_FOLLOWED}."
            )

    def _check_real(self) -> None:
        """Raise :class:`UserError` for mistakes that would otherwise show after hours."""
        for key, path in self.data.given().items():
            if not path.exists():
                raise UserError(f"{path} does not exist; correct {key}.")
            if not (path.is_file() or path.is_dir()):
                raise UserError(f"{path} is neither a file nor a folder; correct {key}.")
        nameservers, port = self._config.download.nameservers, self._config.demo.name_server_port
        if self.data.configured(EMOTIONET) and f"127.0.0.1:{port}" in nameservers:
            raise UserError("download.nameservers names the demo's name server, of no use to real URLs; set it to [].")
