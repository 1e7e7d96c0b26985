"""Models on benchmarks: predictions, and from them, without TensorFlow, scores."""
