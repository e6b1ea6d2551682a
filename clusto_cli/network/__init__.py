"""What `clusto network` does, between the inventory and the adapters to switches."""
