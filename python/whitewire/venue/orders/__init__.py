"""From requests to orders: fields read, rules of the market checked, refusals found."""
