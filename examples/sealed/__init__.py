"""Seals to take and change: values are encrypted, or compressed, on their way to the store."""
