"""What the terminal shows of a workflow: a line a job, why it runs, and a sentence where something fails."""
