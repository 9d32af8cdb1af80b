"""Sensors: where bytes come from, and where alerts leave the box."""
