"""Measurements that a user can repeat on their own host: `whitewire bench`."""
