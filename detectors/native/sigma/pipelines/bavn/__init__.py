"""Where sigma-cli looks for pipelines: `sigma convert -t lucene -p bavn_lucene`, `-t esql -p bavn_esql`."""

from sigma.processing.pipeline import ProcessingPipeline

from detectors import conversion

__all__ = ["bavn_esql", "bavn_lucene"]


def bavn_lucene() -> ProcessingPipeline:
    """Lucene queries over events as `bavn events` prints them."""
    return conversion.lucene_pipeline()


def bavn_esql() -> ProcessingPipeline:
    """ES|QL queries over the same."""
    return conversion.esql_pipeline()
