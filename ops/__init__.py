"""What runs the service: the local stack, and the configuration of the servers beside it."""
