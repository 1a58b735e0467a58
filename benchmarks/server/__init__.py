"""The platform on SQLite and on PostgreSQL: ingestion, queries, pages."""
