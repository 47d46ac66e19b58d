"""The doors: pages, API, the clock and the command line."""
