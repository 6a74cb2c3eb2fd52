"""Trading against collateral: margin and futures."""
