"""Samples as ``tf.train.Example``, without TensorFlow.

Feature names follow TF-Slim's image data sets where these have one:

=====================  ========  =====================================================
``image/encoded``      bytes     RGB JPEG
``image/format``       bytes     ``jpeg``
``image/height``       int64     pixels
``image/width``        int64     pixels
``image/filename``     bytes     source: file name or video and frame
``image/crop``         bytes     ``face``; ``held``: at the last face; ``center``; ``missing``
``image/face_size``    float     side of the crop in pixels of the original, or NaN
``image/yaw``          float     degrees by which the head is turned, or NaN
``image/brightness``   float     mean luma of the crop, 0 to 255
``image/sharpness``    float     variance of the Laplacian of the crop
``label/units``        int64     [60] AU occurrence: 1, 0, -1 unknown
``label/intensities``  float     [60] AU intensity 0 to 5, NaN unknown
``label/valence``      float     -1 to 1, NaN unknown
``label/arousal``      float     -1 to 1, NaN unknown
``label/other/name``   bytes     the names in ``Sample.other``
``label/other/value``  int64     the values in ``Sample.other``
``sample/dataset``     bytes     name of the data set
``sample/subject``     bytes     subject, or empty
``sample/group``       bytes     what stays on one side of the split
``sample/video``       bytes     video, or empty
``sample/frame``       int64     from 1, or 0
``sample/time_ns``     int64     time of the frame in nanoseconds, or no value
=====================  ========  =====================================================
"""

from __future__ import annotations

import math
from dataclasses import asdict
from functools import cache
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

from affectflow.datasets.conditions import Conditions
from affectflow.datasets.face import CENTER, FACE
from affectflow.datasets.sample import Sample

_TYPES = descriptor_pb2.FieldDescriptorProto


@cache
def _example_class() -> Any:
    """Return the message class of ``tensorflow/core/example/{example,feature}.proto``, in a separate pool."""
    file = descriptor_pb2.FileDescriptorProto(name="affectflow/example.proto", package="tensorflow", syntax="proto3")
    for name, kind in (
        ("BytesList", _TYPES.TYPE_BYTES),
        ("FloatList", _TYPES.TYPE_FLOAT),
        ("Int64List", _TYPES.TYPE_INT64),
    ):
        message = file.message_type.add(name=name)
        message.field.add(name="value", number=1, type=kind, label=_TYPES.LABEL_REPEATED)
    feature = file.message_type.add(name="Feature")
    feature.oneof_decl.add(name="kind")
    for number, name in enumerate(("Bytes", "Float", "Int64"), start=1):
        feature.field.add(
            name=f"{name.lower()}_list",
            number=number,
            type=_TYPES.TYPE_MESSAGE,
            type_name=f".tensorflow.{name}List",
            label=_TYPES.LABEL_OPTIONAL,
            oneof_index=0,
        )
    features = file.message_type.add(name="Features")
    entry = features.nested_type.add(name="FeatureEntry")
    entry.options.map_entry = True
    entry.field.add(name="key", number=1, type=_TYPES.TYPE_STRING, label=_TYPES.LABEL_OPTIONAL)
    entry.field.add(
        name="value",
        number=2,
        type=_TYPES.TYPE_MESSAGE,
        type_name=".tensorflow.Feature",
        label=_TYPES.LABEL_OPTIONAL,
    )
    features.field.add(
        name="feature",
        number=1,
        type=_TYPES.TYPE_MESSAGE,
        type_name=".tensorflow.Features.FeatureEntry",
        label=_TYPES.LABEL_REPEATED,
    )
    example = file.message_type.add(name="Example")
    example.field.add(
        name="features",
        number=1,
        type=_TYPES.TYPE_MESSAGE,
        type_name=".tensorflow.Features",
        label=_TYPES.LABEL_OPTIONAL,
    )
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("tensorflow.Example"))


def encode_example(sample: Sample, jpeg: bytes, size: int, conditions: Conditions, crop: str = "") -> bytes:
    """Serialize a sample; the same sample gives the same bytes.

    Args:
        sample: The sample, of which everything but the image is taken.
        jpeg: The encoded crop of its image.
        size: Side of the crop in pixels.
        conditions: Under which the face is shown.
        crop: Kind of the crop; by default ``face`` or ``center``, as the sample has a face or not.
    """
    example = _example_class()()
    feature = example.features.feature
    feature["image/encoded"].bytes_list.value.append(jpeg)
    feature["image/format"].bytes_list.value.append(b"jpeg")
    feature["image/height"].int64_list.value.append(size)
    feature["image/width"].int64_list.value.append(size)
    feature["image/filename"].bytes_list.value.append(sample.source.encode())
    feature["image/crop"].bytes_list.value.append((crop or (CENTER if sample.face is None else FACE)).encode())
    for name, value in asdict(conditions).items():
        feature[f"image/{name}"].float_list.value.append(value)
    feature["label/units"].int64_list.value.extend(sample.units.tolist())
    feature["label/intensities"].float_list.value.extend(sample.intensities.tolist())
    feature["label/valence"].float_list.value.append(sample.valence)
    feature["label/arousal"].float_list.value.append(sample.arousal)
    feature["sample/dataset"].bytes_list.value.append(sample.dataset.encode())
    feature["sample/subject"].bytes_list.value.append(sample.subject.encode())
    feature["sample/group"].bytes_list.value.append(sample.group.encode())
    feature["sample/video"].bytes_list.value.append(sample.video.encode())
    feature["sample/frame"].int64_list.value.append(sample.frame)
    time = [] if math.isnan(sample.time) else [round(sample.time * 1e9)]
    feature["sample/time_ns"].int64_list.value.extend(time)
    feature["label/other/name"].bytes_list.value.extend(name.encode() for name in sample.other)
    feature["label/other/value"].int64_list.value.extend(sample.other.values())
    data: bytes = example.SerializeToString(deterministic=True)
    return data


def decode_example(data: bytes) -> Any:
    """Parse a serialized example."""
    return _example_class().FromString(data)
