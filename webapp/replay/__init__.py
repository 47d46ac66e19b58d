"""Driving the desk with a real incident log under a virtual clock, and comparing what came out with what was logged."""
