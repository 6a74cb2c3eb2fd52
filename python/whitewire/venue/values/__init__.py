"""What is said: markets, orders, requests, events, refusals and exact numbers, as plain values."""
