"""What a data set or table holds, and what is wrong with it."""
