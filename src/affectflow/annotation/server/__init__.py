"""A local page on which a person annotates pictures."""
