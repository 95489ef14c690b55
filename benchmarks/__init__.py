"""Figures that anyone can run again; README.md says what each compares."""
