"""Power actions over the wiring: from targets to outlets, from outlets to verified states. Any verb may use them."""
