"""Tick-to-trade seen from outside: a native referee, and the clients that it judges.

Owns: nothing beyond its modules. Must not know: how a client does its work. Invariant: every client
is a process of its own and works as its users would run it.
"""
