"""The loop that every neural family shares: batches, optimizer, schedule, checkpoint."""
