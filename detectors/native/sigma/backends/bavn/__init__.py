"""Where sigma-cli looks for backends: `sigma convert -t bavn` gives the plan that sensors load."""

from detectors.backend import BavnBackend

__all__ = ["BavnBackend"]
