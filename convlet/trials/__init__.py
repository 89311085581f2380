"""Which network is best: one training of a comparison, the comparison, its choice, the rate finder."""
