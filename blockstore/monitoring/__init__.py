"""Being watched: metrics, facts of the database, health; see ``pages``."""
