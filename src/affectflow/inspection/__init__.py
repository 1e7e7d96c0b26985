"""Count what a data set or table contains, and list what is wrong with it."""
