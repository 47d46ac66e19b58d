"""Scenarios run in an office, on both databases."""

from tests.offices import office, office_engine, office_url, postgres_office, sqlite_office

__all__ = ["office", "office_engine", "office_url", "postgres_office", "sqlite_office"]
