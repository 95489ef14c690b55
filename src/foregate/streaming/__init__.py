"""The live forecaster: the state is carried from one observation to the next."""
