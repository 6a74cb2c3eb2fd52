"""Processes beside the gateway: the red button and the watchdog."""
