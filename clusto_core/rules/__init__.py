"""What must hold, whoever changes the inventory: each rule once, working on a unit of work."""
