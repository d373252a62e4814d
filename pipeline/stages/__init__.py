"""One file per DVC stage, in pipeline order. Wiring only: read, call the core, write, count."""
