"""A real Elasticsearch server on loopback, with the means to hurt it."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from elasticsearch import Elasticsearch

from collector.store.elastic import ElasticStore

SERVER = Path(__file__).parents[1] / "elasticsearch/server.py"
LACKS_SOMETHING = 3


class LackingError(Exception):
    """What this machine lacks to run a server."""


@dataclass
class Cluster:
    """A real Elasticsearch server, with the means to hurt it."""

    work: Path
    url: str
    ca: str
    api_key: str

    @classmethod
    def start(cls, work: Path, *settings: str) -> Cluster:
        """Start a server in `work`, or start it again."""
        extra = [part for setting in settings for part in ("--setting", setting)]
        done = _control("start", "--work", str(work), *extra)
        if done.returncode == LACKS_SOMETHING:
            raise LackingError(done.stderr.strip())
        assert done.returncode == 0, done.stderr
        state = json.loads(done.stdout)
        return cls(work, state["url"], state["ca"], Path(state["api_key_file"]).read_text())

    def kill(self) -> None:
        """SIGKILL to all of its processes."""
        assert _control("kill", "--work", str(self.work)).returncode == 0

    def again(self) -> None:
        """Start it once more on what is left on its disk."""
        Cluster.start(self.work)

    def store(self, url: str | None = None) -> ElasticStore:
        """A store as a collector opens it."""
        return ElasticStore(url or self.url, ca=self.ca, api_key=self.api_key)

    def client(self) -> Elasticsearch:
        """A client to look at what is there."""
        return Elasticsearch(self.url, ca_certs=self.ca, api_key=self.api_key)

    def wipe(self) -> None:
        """Remove all of bavn's indices."""
        with self.client() as client:
            names = list(client.indices.get(index="bavn-*", expand_wildcards="all"))
            if names:
                client.indices.delete(index=names)


def _control(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, str(SERVER), *arguments], capture_output=True, text=True, check=False)
