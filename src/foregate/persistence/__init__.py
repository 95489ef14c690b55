"""Models on disk: the one door to the file format."""
