"""Stand-ins in memory for the host's interfaces, for native tests."""
