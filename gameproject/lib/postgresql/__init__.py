"""Django's PostgreSQL backend, and an end to every wait for a server that does not answer.

A server that refuses says so at once. One that is silent (a stopped host, a broken network) keeps no promise,
neither `statement_timeout` nor the handshake of a new connection, for which libpq waits at least 2 s. So
`deadline.py` shuts the socket of whoever has waited long enough, `breaker.py` knows whether the server answers
at all, and `base.py` makes no new connection while it does not.
"""
