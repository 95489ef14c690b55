"""Who is compared: a module for each library, run by a program of its own (`benchmarks.contenders.__main__`)."""
