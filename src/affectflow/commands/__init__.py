"""What ``affectflow COMMAND`` does, by kind. Packages are imported where they are needed: help must be quick."""
