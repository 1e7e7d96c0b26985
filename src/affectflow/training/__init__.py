"""Records -> trained models."""
