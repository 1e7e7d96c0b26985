"""Smiles: images whose file names are labels, such as ``anna-1.png`` for a person who smiles."""

from affectflow.datasets.base import Dataset, side_of, visible
from affectflow.datasets.dataset_info import ACTION_UNITS, DatasetInfo, Option
from affectflow.datasets.sample import Sample, unknown_units


class Smiles(Dataset):
    name = "smiles"

    def __init__(self, root, split, media):
        super().__init__()
        self.variant = split.partition("@")[2]
        self._media = media
        self._files = [
            path
            for path in visible(root / "smiles", ".png")
            if split.startswith("all") or side_of(self.name, self._person(path)) == split
        ]

    def _person(self, path):
        return path.stem.partition("-")[0]

    def groups(self):
        return sorted({self._person(path) for path in self._files})

    def parts(self):
        return self.groups()

    def samples_of(self, part):
        for path in self._files:
            if self._person(path) == part and (image := self._media.image(path, self.left_out)) is not None:
                units = unknown_units()
                units[12 - 1] = int(path.stem.split("-")[1])
                yield Sample(image, self.name, path.name, group=part, subject=part, units=units)


INFO = DatasetInfo(
    name="smiles",
    title="Smiles",
    heads=frozenset({ACTION_UNITS}),
    media="images",
    opens=Smiles,
    recognize=lambda path: (path / "smiles").is_dir(),
    splits=("all", "train", "test"),
    options={"light": Option(("day", "night"), "When the images were taken.")},
    split_by="person",
    shares_people_with="own",
    layout="smiles/PERSON-LABEL.png",
    terms="no terms",
    citation="",
)
