"""What can go wrong on request, and when it strikes."""
