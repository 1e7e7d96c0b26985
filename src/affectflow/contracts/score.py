"""The JSON file of scores of one model by one protocol, and what comparisons and seeds share with it.

Numbers have six digits; null stands for a metric that is undefined, such as the AUC of labels with one class. Keys of
what a protocol does not score are left out.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Generic, Literal, TypeVar

from affectflow.contracts.json_file import JsonFile, Part
from affectflow.contracts.leakage import FoundInTraining
from affectflow.contracts.snapshot_card import SnapshotCard

Interval = tuple[float, float]
Value = TypeVar("Value")
AFFECT = ("valence", "arousal")
REMEDY = "run snakemake on it again"


class Means(Part, Generic[Value]):
    """Means of a metric over the labels that count."""

    mean_f1: Value | None = None
    """Of F1, over AUs."""
    mean_f1_validation_threshold: Value | None = None
    """Of F1 at the threshold that was best on validation."""
    mean_f1_always_yes: Value | None = None
    """Of F1 where every frame is predicted to be positive: a number to compare with."""
    mean_auc: Value | None = None
    """Of the area under the ROC curve."""
    mean_accuracy: Value | None = None
    """Of accuracy."""
    mean_event_f1: Value | None = None
    """Of the F1 of events, which are runs of frames with the AU."""
    mean_icc: Value | None = None
    """Of ICC(3,1), over intensities."""
    mean_pcc: Value | None = None
    """Of Pearson's correlation, over intensities."""
    mean_mae: Value | None = None
    """Of the mean absolute error, over intensities from 0 to 5."""
    mean_mse: Value | None = None
    """Of the mean squared error, over intensities from 0 to 5."""
    mean_ccc: Value | None = None
    """Of Lin's concordance correlation coefficient, over valence and arousal."""
    challenge_score: Value | None = None
    """The mean of mean accuracy and mean F1, as the EmotioNet challenge ranked."""


class Measured(Part):
    """What the scores of every label have."""

    frames: int
    """Frames with a label."""
    without_prediction: int | None = None
    """Those without a prediction by another program, which count as without expression."""
    intervals: Mapping[str, Interval | None]
    """95% interval of each metric; null where there is none."""
    no_interval: Mapping[str, str] | None = None
    """Why, by metric."""


class OccurrenceScores(Measured):
    """Metrics of the occurrence of one AU."""

    f1: float | None
    precision: float | None
    recall: float | None
    accuracy: float | None
    balanced_accuracy: float | None
    kappa: float | None
    """Cohen's."""
    base_rate: float | None
    """Share of positive frames."""
    f1_always_yes: float | None
    auc: float | None
    """Area under the ROC curve."""
    average_precision: float | None
    calibration_error: float | None
    """Expected calibration error over 10 bins."""
    calibration_error_by_chance: float | None = None
    """About the error of a model whose probabilities are exactly right, on as many independent frames."""
    f1_validation_threshold: float | None = None
    event_f1: float | None = None
    positives: int
    threshold: float | tuple[float, ...]
    """Probability from which a frame is predicted to be positive; several where runs of several folds are scored."""
    validation_threshold: float | tuple[float, ...] | None = None
    """Threshold of best F1 on validation; several where runs of several folds are scored together."""
    events: int | None = None
    """Labelled events."""
    predicted_events: int | None = None
    auc_within_subject: float | None = None
    """Share of the pairs of a frame with the AU and one without it, of one person, whose probabilities are ordered
    right; ties count half. What people look like at rest does not count in it."""
    pairs_within_subject: int | None = None
    """How many these pairs are."""
    ranked_by: str | None = None
    """What AUC and average precision rank by, where it is not the probability: ``intensity``, or ``nothing`` where the
    outputs are 0 or 1 only."""
    scored_by: str | None = None
    """What is scored, for a label that is not an AU of FACS: an AU, ``expression`` for what a program names itself, or
    the table by which an expression follows from AUs."""


class IntensityScores(Measured):
    """Metrics of the intensity of one AU, from 0 to 5."""

    icc: float | None
    """ICC(3,1)."""
    pcc: float | None
    mae: float | None
    mse: float | None


class AffectScores(Measured):
    """Metrics of valence or arousal, from -1 to 1."""

    ccc: float | None
    ccc_by_video: float | None = None
    """Mean of the CCC of each video whose labels change; the CCC of all frames also rewards telling videos apart."""
    videos: int | None = None
    """How many these are."""
    pcc: float | None
    rmse: float | None
    sign_agreement: float | None
    """Share of frames whose label and prediction have the same sign."""


class IntervalMethod(Part):
    """How the intervals were computed."""

    confidence: str
    method: str
    resampled: str
    """What was left out one by one: subjects, videos, groups (a person, video, or near duplicates), or images."""
    clusters: int
    """How many there are."""
    replicates: int
    """How often something was left out: as often, but at most 200 times, random groups then."""


class ProtocolHeading(Part):
    """The protocol of a comparison."""

    name: str
    version: int
    title: str
    frames: int
    """Frames with a prediction."""
    subjects: int
    """Number of people, videos, groups or images that were resampled."""
    intervals: IntervalMethod


class ProtocolUsed(ProtocolHeading):
    """The protocol of a score, and the frames that it was applied to."""

    source: str
    positive_if: str | None = None
    """When a label counts as positive."""
    threshold: str | None = None
    """When a prediction counts as positive."""
    used_frames: int
    """Frames with a label; of another program's predictions also those without an answer."""
    left_out: Mapping[str, int]
    """Other frames of the benchmark, by reason."""
    all_frames: int
    """Sum of both."""
    crops: Mapping[str, int]
    """Frames by kind of crop: around a face, around a face held over from another frame, the center, or ``missing``
    where the data set has no image of the frame."""


class Smoothed(Means[float]):
    """Means for predictions averaged over neighbouring frames."""

    frames: int
    """Number of averaged frames."""
    valence: float | None = None
    """CCC."""
    arousal: float | None = None
    """CCC."""
    intervals: Mapping[str, Interval | None]
    no_interval: Mapping[str, str] | None = None


class Answered(Means[float]):
    """Means over the frames with an answer: without one, because a program gave none or a data set has no image of the
    frame, a frame counts as without expression."""

    frames: int
    """Labelled frames with an answer."""
    without: int
    """Labelled frames without any."""
    valence: float | None = None
    """CCC."""
    arousal: float | None = None
    """CCC."""
    intervals: Mapping[str, Interval | None]
    no_interval: Mapping[str, str] | None = None


class OfGroup(Means[float]):
    """Means over a group of frames, or how much they differ from the reference's."""

    valence: float | None = None
    """CCC."""
    arousal: float | None = None
    """CCC."""
    mean_of: Mapping[str, int] = {}
    """How many labels each mean is of; a difference is over those that count in both groups."""
    intervals: Mapping[str, Interval | None] = {}
    no_interval: Mapping[str, str] | None = None


class ConditionGroup(OfGroup):
    """The frames of a group; without scores where it has fewer than eight people."""

    frames: int
    """That are scored."""
    subjects: int
    """Number of people, videos, groups or images in the group, as they are resampled."""
    difference: OfGroup | None = None
    """From the condition's reference, by the same jackknife."""


class Condition(Part):
    """Groups of frames that differ in one condition, such as how far the head is turned."""

    unknown_frames: int
    """Scored frames that are in no group, because it is not known which."""
    reference: str | None
    """The group of the most frames, from which the others' differences are; null where all are too small."""
    groups: Mapping[str, ConditionGroup]


class TrainingData(Part):
    """Whether a program was trained on the benchmark, or on people or videos of it."""

    status: Literal["trained on this set", "held out", "unknown"]
    source: str | None
    """Of what is known; null where nothing is."""


class Folds(Part):
    """The folds by themselves; all other values are of all folds' frames together. The literature reports both."""

    each: Mapping[str, Mapping[str, float | None]]
    """The means over labels, by fold."""
    mean: Mapping[str, float | None]
    """Their means over the folds that have one."""


class Provenance(Part):
    """What a score was computed from and by."""

    config_sha256: str
    """Digest of the part of the configuration that decides the predictions."""
    code_sha256: str
    """Digest of the code that scores."""
    inputs: Mapping[str, str]
    """SHA-256 of the scored files."""
    versions: Mapping[str, str]
    started: str
    """ISO 8601."""
    seconds: float


class Heading(Part):
    """What the files of scores and comparisons begin with."""

    benchmark: str
    model: str
    synthetic: bool
    """Whether the benchmark is drawn by affectflow."""
    note: str | None = None


class Published(Part):
    """A published result by the protocol."""

    model: str
    metric: str
    """As the score file names it."""
    value: float
    how: str = ""
    """How it was got, with the source: from what the model starts, who chose its epoch, which frames."""


class ScoreFile(Means[float], Heading, JsonFile):
    """The score of one model by one protocol, ``results/eval/{benchmark}[-{protocol}]_{model}.json``."""

    remedy: ClassVar[str] = REMEDY
    schema_version: Literal[2] = 2
    protocol: ProtocolUsed
    intervals: Mapping[str, Interval | None]
    """95% interval of each mean; null where there is none."""
    no_interval: Mapping[str, str] | None = None
    """Why, by mean."""
    mean_of: Mapping[str, int]
    """How many labels each mean is of; those with a single class in the labels do not count."""
    smoothed: Smoothed | None = None
    answered: Answered | None = None
    """Of other programs' predictions, and where a data set lacks images of labelled frames."""
    action_units: Mapping[str, OccurrenceScores]
    intensities: Mapping[str, IntensityScores]
    valence: AffectScores | None
    arousal: AffectScores | None
    folds: Folds | None = None
    conditions: Mapping[str, Condition] = {}
    """By what differs: the crop, face size, yaw, brightness, sharpness, labelled head poses, and the columns of a table
    of subjects; those that do not differ are left out."""
    trained_on: tuple[str, ...] = ()
    """Data sets that the model learned from; none of other programs."""
    within_set: bool = False
    """Whether the benchmark is one of them: others of its recordings were learned from."""
    unsupported: tuple[str, ...]
    """Labels that the model was not trained on; they count in no mean."""
    unlabelled: tuple[str, ...]
    """Labels that no frame has."""
    leakage: FoundInTraining | None
    """What of the benchmark the model was trained on; null where it is unknown."""
    program: str | None = None
    """The program that wrote the predictions, where it was not affectflow."""
    training_data: TrainingData | None = None
    """Of that program."""
    warnings: tuple[str, ...] = ()
    """What a reader of the score must know."""
    unused_rows: Mapping[str, int] | None = None
    """Rows of its predictions that were not scored, by reason."""
    published_note: str
    published: tuple[Published, ...]
    snapshot: SnapshotCard | None
    """The downloaded images that the model was trained or scored on."""
    provenance: Provenance

    @property
    def leaks(self) -> bool:
        """Whether the model is known to have been trained on images or people of the benchmark."""
        return self.leakage is not None and any(self.leakage.model_dump().values())

    def headline(self) -> str:
        """Return the main results on a line."""
        names = {"mean_f1": "F1", "mean_auc": "AUC", "valence_ccc": "valence CCC", "arousal_ccc": "arousal CCC"}
        values = ((title, self.metric(name)) for name, title in names.items())
        shown = [f"{title} {value:.3f}" for title, value in values if value is not None]
        within = ((name, one.auc_within_subject) for name, one in self.action_units.items())
        shown += [f"{name} within people {value:.3f}" for name, value in within if value is not None]
        return ", ".join([*shown, f"{self.protocol.used_frames:,} frames"])

    def metric(self, name: str) -> float | None:
        """Return one of the means, or ``valence_ccc`` or ``arousal_ccc``; None where it is undefined."""
        entry, key = self._entry(name)
        value: float | None = getattr(entry, key, None)
        return value

    def interval(self, name: str) -> Interval | None:
        """Return the 95% interval of a :meth:`metric`; None where it has none."""
        entry, key = self._entry(name)
        return None if entry is None else entry.intervals.get(key)

    def _entry(self, name: str) -> tuple[ScoreFile | AffectScores | None, str]:
        dimension = name.removesuffix("_ccc")
        return (getattr(self, dimension), "ccc") if dimension in AFFECT else (self, name)
