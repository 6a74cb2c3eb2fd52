"""Sans-IO policy of the gateway: bytes and values in, values out; time is an argument."""
