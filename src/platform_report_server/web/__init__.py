"""The dashboard: full pages made on the server, plain links and forms."""
