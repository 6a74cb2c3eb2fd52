"""The REST endpoints: routes, handlers and how everything looks in a body."""
