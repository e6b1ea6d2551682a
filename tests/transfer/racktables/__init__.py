"""RackTables."""
