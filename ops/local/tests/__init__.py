"""Tests of the local stack: real servers, real processes."""
