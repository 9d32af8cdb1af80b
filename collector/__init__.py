"""The centre: receives batches of alerts, verifies, deduplicates and stores them, and logs who looked."""
