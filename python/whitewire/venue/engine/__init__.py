"""Accounts, books and matching: what happens to an order whose fields are valid."""
