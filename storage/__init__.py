"""SQL, shared by activities (which write) and web (which reads): tables, reads, writes, intake, keys, vault."""
