"""What the service bears: `python -m benchmarks.service`."""
