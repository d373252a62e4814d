"""Train, encode and pack. Pure but for the memory-mapped shards it is handed."""
