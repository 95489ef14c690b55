"""Read, audit, clean, calendar, split, scale and window series, and prepare them for the network. No torch."""
