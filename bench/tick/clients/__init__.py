"""The clients under test, each a program that is started with one JSON object.

Owns: nothing beyond its modules. Must not know: who measures. Invariant: all of them do one thing:
when the best bid moves, they send a signed limit order to buy at it, immediate-or-cancel, so that
nothing rests and the next tick is like the last.
"""
