"""The `bavn` command: composes sensors, detectors and collector, and is the only place that draws."""
