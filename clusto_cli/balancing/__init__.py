"""Services at their load balancers: what the inventory says of them, told to balancers and read back."""
