"""The JSON files of ``results``, one module each: what they say, in which types, by which version of the schema."""
