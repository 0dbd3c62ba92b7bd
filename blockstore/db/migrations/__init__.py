"""Migrations of the database, one file a revision, run by alembic.

A new revision is drafted by ``tools/new-migration "what it does"``, which
compares the models with a database at the last revision.  Read the draft: it
must also work while daemons of the release before are still running.
"""
