"""Load balancers: the real programs, told and read back."""
