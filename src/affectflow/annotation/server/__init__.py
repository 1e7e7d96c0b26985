"""Local web page for rating images and tracing videos."""
