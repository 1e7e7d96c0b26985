"""What lies in a folder or a table, before anything long runs."""
