"""The channels: who listens, and what is pushed to them."""
