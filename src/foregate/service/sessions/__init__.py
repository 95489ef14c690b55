"""Live sessions: a state per series that moves on with every observation."""
