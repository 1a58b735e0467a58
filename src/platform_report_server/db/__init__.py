"""The store: schema, migrations, connections and queries."""
