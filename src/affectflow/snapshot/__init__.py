"""A downloaded data set without its pictures, so that others can fetch the very same."""
