"""The acknowledgement bench beyond `whitewire bench acks`: a native front, and rivals."""
