"""Real clients of WhiteBIT, unchanged but for host and certificate, against the embedded venue.

ccxt, ccxt.pro, the venue's own Python SDK and aiowhitebit were written against the real venue.
What they send must be accepted, and what they read must mean what they think it means.
"""
