"""Transfers that outlive the terminal: the journal, the run of a job's steps, and what watches them.

What the steps do, and the process that runs them, stand in `services/transfers`.
"""
