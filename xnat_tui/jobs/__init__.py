"""Transfers that outlive the terminal: the journal, the worker, and what watches them."""
