"""Where faces are, and the crops around them."""
