"""The networks below the heads, and where their ImageNet weights come from."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Backbone:
    """A class of ``keras.applications``, with the weights file and MD5 that Keras itself pins for it.

    ``caffe`` tells that the ImageNet weights expect BGR pixels less the mean of ImageNet, as Caffe's models do; the
    others, and all networks trained from random weights, take RGB in [-1, 1].
    """

    application: str
    weights_path: str
    weights_md5: str
    caffe: bool


BACKBONES: dict[str, Backbone] = {
    "vgg16": Backbone(
        "VGG16",
        "vgg16/vgg16_weights_tf_dim_ordering_tf_kernels_notop.h5",
        "6d6bbae143d832006294945121d1f1fc",
        caffe=True,
    ),
    "resnet50": Backbone(
        "ResNet50",
        "resnet/resnet50_weights_tf_dim_ordering_tf_kernels_notop.h5",
        "4d473c1dd8becc155b73f8504c6f6626",
        caffe=True,
    ),
    "inception_resnet_v2": Backbone(
        "InceptionResNetV2",
        "inception_resnet_v2/inception_resnet_v2_weights_tf_dim_ordering_tf_kernels_notop.h5",
        "d19885ff4a710c122648d3b5c3b684e4",
        caffe=False,
    ),
}
