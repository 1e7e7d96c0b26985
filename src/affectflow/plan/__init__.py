"""Derive from a configuration which scores are made, from which runs and inputs.

The workflow's rules take their inputs and params from here. No file is opened except to tell whether a folder that the
user owns has changed. Importing this is fast, because every job does.
"""

from __future__ import annotations

from pathlib import Path

from affectflow.config import Values, check
from affectflow.core.errors import UserError
from affectflow.datasets import synthetic
from affectflow.plan.data import EMOTIONET, Data
from affectflow.plan.faces import Faces
from affectflow.plan.models import Models
from affectflow.plan.scores import Scores


class Plan:
    """A checked configuration and everything derived from it.

    Raises :class:`UserError` when the configuration does not fit its schema or mixes drawn with real data.
    """

    def __init__(self, config: Values) -> None:
        self._config = checked = check(config)
        self.data = Data(checked.data)
        self.synthetic = synthetic.check_unmixed(self.data.sources())
        if not self.synthetic:
            self._check_real()
        self.models = Models(checked, self.data)
        self.faces = Faces(checked.faces)
        self.scores = Scores(checked, self.data, self.models, self.faces, self.synthetic)

    def given_paths(self) -> list[Path]:
        """Return the files and folders that the user owns and jobs read."""
        given = [*self.data.sources().values(), *self.models.given_weights()]
        given += [Path(path) for path in (self._config.faces.model.path, self.data.reference) if path is not None]
        return [path for path in dict.fromkeys(given) if not path.is_relative_to("results")]

    def _check_real(self) -> None:
        """Raise :class:`UserError` for mistakes that would otherwise show after hours."""
        for key, path in self.data.sources().items():
            if not path.exists():
                raise UserError(f"{path} does not exist; correct {key}.")
        nameservers, port = self._config.download.nameservers, self._config.demo.name_server_port
        if self.data.configured(EMOTIONET) and f"127.0.0.1:{port}" in nameservers:
            raise UserError("download.nameservers names the demo's name server, of no use to real URLs; set it to [].")
