"""Read by Alembic: runs the revisions on the connection that `run` hands over, in one transaction."""

from alembic import context

from collector.store.tables.catalogue import METADATA

connection = context.config.attributes["connection"]
context.configure(connection=connection, target_metadata=METADATA, transactional_ddl=True, render_as_batch=True)
with context.begin_transaction():
    context.run_migrations()
