"""Indicators: lists of values that others call bad, read, kept, and made into the set that the packet loop looks up."""
