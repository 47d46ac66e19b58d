"""What service tasks and form submissions do to the ITIL records."""
