"""Foreign wire languages: their words, request and report shapes, and nothing else."""
