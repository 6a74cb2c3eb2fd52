"""The embedded venue: WhiteBIT's wire and matching, in this process, with faults on request.

Owns: everything that stands in for the real venue. Must not know: the gateway; it shares no
codec with it, so that an error in one cannot hide in the other. Invariant: what a client can see
follows the venue's published protocol; where that is silent, a named option decides.
"""

from whitewire.venue.embedded import Venue
from whitewire.venue.options import ReplayOptions, VenueConfig, WireOptions
from whitewire.venue.server import serve
from whitewire.venue.virtual_clock import VirtualClock

__all__ = ["ReplayOptions", "Venue", "VenueConfig", "VirtualClock", "WireOptions", "serve"]
