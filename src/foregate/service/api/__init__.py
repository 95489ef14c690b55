"""What surrounds a request: routes, checks, errors, documents."""
