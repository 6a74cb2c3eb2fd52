"""The WebSocket's connections and methods, order entry included."""
