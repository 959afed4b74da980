"""The local stack: `make run`, and the servers behind `make test`, without Docker or installed servers."""
