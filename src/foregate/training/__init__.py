"""Batches of forked origins, losses, the loop and its checkpoints."""
