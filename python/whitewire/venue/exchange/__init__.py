"""The venue without a wire: every command, every query, every event, synchronously."""
