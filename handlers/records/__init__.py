"""ITIL records: what is true of an incident, whatever its process does."""
