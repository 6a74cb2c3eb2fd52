"""The edge: sockets, TLS, the event loop and the clocks. Nothing else in whitewire knows them."""
