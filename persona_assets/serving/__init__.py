"""What answers in real time: for now the online feature store; the HTTP API will live here."""
