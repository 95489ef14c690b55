"""Networks of tensors, and nothing else."""
