"""The addresses that the demo server answers, a module for each part of XNAT's interface."""
