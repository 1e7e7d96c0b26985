"""Run trained models on images, videos, cameras and records."""
