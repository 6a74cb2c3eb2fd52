"""The append-only book of record, written off the hot thread, and its SQLite projection."""
