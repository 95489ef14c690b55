"""Training in a process of its own: jobs, the worker, and the way from a challenger to a champion."""
