"""Records -> trained models. The only part of the package, with prediction, that imports TensorFlow."""
