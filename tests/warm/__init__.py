"""Jobs of the workflow as forks of a process that has the libraries loaded, so that tests do not load them for each.

Every job stays a process of its own, in which only the project's modules are imported anew. Tests that kill jobs, and
the demo's, start them as users do.
"""
