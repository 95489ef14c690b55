"""What is said of LSTMs, put to the test: `python -m benchmarks.lab`, and docs/lab.md made of what it records."""
