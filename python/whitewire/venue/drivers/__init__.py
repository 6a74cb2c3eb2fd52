"""What moves a market besides its clients: simulated traders, or a recorded feed."""
