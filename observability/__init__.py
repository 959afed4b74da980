"""What happened: executions, audit trail, requests, health."""
