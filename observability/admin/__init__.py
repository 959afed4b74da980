"""What happened, in the admin: read only."""
