"""Jobs of the workflow as forks of a process that has the libraries loaded, so that tests do not load them for each.

Every job stays a process of its own, in which only the project's modules are imported anew, and dies by SIGKILL where
the program that stands for it does. The demo's test and those of SLURM start jobs as users do.
"""
