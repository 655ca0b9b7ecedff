"""Requests and answers: sign-in, retries, streams, one session per server."""
