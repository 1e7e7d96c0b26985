"""Losses of the heads, which leave unknown labels out: written with ``keras.ops``, for every backend of Keras.

Each takes a batch's labels and a head's raw numbers (see :mod:`affectflow.training.heads`) and gives a scalar: the mean
over what is known, 0 where nothing is. An unknown label neither adds to a loss nor to its gradient.
"""
