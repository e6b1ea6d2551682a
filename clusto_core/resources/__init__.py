"""What is given out once: Things, addresses, VLAN ids, names."""
