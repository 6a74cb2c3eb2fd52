"""Who is calling, how often they may, and what the REST and WebSocket sides share."""
