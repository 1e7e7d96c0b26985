"""TensorFlow's training step with sums of gradients that are the same to the bit in every run.

Where a value is used three times, TensorFlow adds up its gradients by one operation (AddN), which takes over the
buffer of whichever is no longer needed and begins with that one. Which that is depends on what was ready last, where
operations run side by side. Sums of two at a time have no such choice; Grappler's arithmetic optimisation, which would
put them together again, is off (:func:`affectflow.training.devices.prepare`).
"""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf

from affectflow.training.joint import JointModel


class OrderedModel(JointModel):
    """The same losses and gradients, added up in an order of their own."""

    def train_step(self, data: Any) -> Any:
        x, y, _ = keras.utils.unpack_x_y_sample_weight(data)
        y_pred = self(x, training=True)
        loss = self.compute_loss(x, y, y_pred, training=True)
        for metric in self.metrics:
            if metric.name == "loss":
                metric.update_state(loss * self.devices, sample_weight=tf.shape(x)[0])
        variables = self.trainable_variables
        gradients = tf.gradients(
            self.optimizer.scale_loss(loss),
            [variable.value for variable in variables],
            aggregation_method=tf.AggregationMethod.EXPERIMENTAL_TREE,
        )
        self.optimizer.apply_gradients(zip(gradients, variables, strict=True))
        return self.compute_metrics(x, y, y_pred)
