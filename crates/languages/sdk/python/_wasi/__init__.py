"""The host's interfaces, through the bindings that a build makes. Nothing here is imported natively."""
