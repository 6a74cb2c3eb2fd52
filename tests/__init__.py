"""The tests of whitewire."""
