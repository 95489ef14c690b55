"""Where everything is kept: tables, and the one way to write into them."""
