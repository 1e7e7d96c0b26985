"""What a trained model says of pictures: of a benchmark's records, or of anyone's photographs and films."""
