"""Bytes and moments: HTTP/1.1, JSON text, TLS, callbacks on time."""
