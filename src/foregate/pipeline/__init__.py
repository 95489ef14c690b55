"""From a recipe and a panel to a fitted model."""
