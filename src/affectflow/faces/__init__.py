"""Where faces are, and the crop around them that training, evaluation and prediction share."""
