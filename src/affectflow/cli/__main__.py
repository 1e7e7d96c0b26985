"""``python -m affectflow.cli``."""

from affectflow.cli import main

main()
