"""The collector's errors: one class, one catalogue of codes E2xx."""

from __future__ import annotations

from typing import Final

CATALOGUE: Final[dict[str, tuple[str, str, str]]] = {
    "BAVN-E200": (
        "The collector's configuration cannot be used",
        "The file is missing, is not TOML, or a value in it has the wrong type or an unknown name.",
        "Correct the named place in the file and start again.",
    ),
    "BAVN-E201": (
        "The client has no usable certificate",
        "Agency and sensor are read from the certificate's O and CN; one of them is missing.",
        "Enrol the sensor again so that it gets a certificate with both.",
    ),
    "BAVN-E202": (
        "The sensor is not registered",
        "The certificate is valid, but the collector's registry has no sensor of that agency and name.",
        "Register the sensor at the collector.",
    ),
    "BAVN-E203": (
        "The sensor is revoked",
        "The registry says that this sensor may no longer send.",
        "If the box is trustworthy again: bavn collector enrol --reinstate.",
    ),
    "BAVN-E204": (
        "The client's certificate is out of its time",
        "The certificate expired while the connection was open, or is not valid yet.",
        "Check the sensor's clock and renew its certificate.",
    ),
    "BAVN-E205": (
        "The batch is not signed",
        "The header Bavn-Signature is missing or does not read 'ed25519 <key id> <base64>'.",
        "Update the sensor; it must sign the exact bytes of the body.",
    ),
    "BAVN-E206": (
        "The batch's signature is wrong",
        "The key id is not the sensor's, or the bytes were changed after signing.",
        "Look for a proxy that rewrites bodies; else enrol the sensor again.",
    ),
    "BAVN-E207": (
        "The body is malformed",
        "It is not JSON, or not of the shape that schema/openapi.yaml gives.",
        "Update the sensor; compare with schema/batch.schema.json.",
    ),
    "BAVN-E208": (
        "The body is too large",
        "A body may have 8 MiB, before and after its content coding.",
        "Send smaller batches.",
    ),
    "BAVN-E209": (
        "The body came too slowly",
        "The request was not complete within the time limit.",
        "Look at the line between sensor and collector; send smaller batches.",
    ),
    "BAVN-E210": (
        "The content coding cannot be read",
        "Only gzip is taken, and this body is another coding or broken gzip.",
        "Send plain JSON or gzip.",
    ),
    "BAVN-E211": (
        "The agency is over its quota",
        "The agency sent more bytes or alerts than the collector grants it, so that it cannot starve the others.",
        "Wait as long as Retry-After says; look for a rule that floods.",
    ),
    "BAVN-E212": (
        "The batch names another sensor",
        "The body's sensor differs from the certificate's CN.",
        "Each sensor sends its own batches with its own certificate.",
    ),
    "BAVN-E213": (
        "The collector is busy",
        "As many batches as the collector holds in memory are under way.",
        "The sensor waits and sends again; nothing is to be done unless it lasts.",
    ),
    "BAVN-E214": (
        "There is no such page",
        "The collector knows the paths that schema/openapi.yaml lists.",
        "Check the address in the sensor's configuration.",
    ),
    "BAVN-E215": (
        "The collector failed",
        "A part of the collector met something it did not expect. Nothing of the request was acknowledged.",
        "See the collector's log; the sensor sends again.",
    ),
    "BAVN-E220": (
        "A record is malformed",
        "It is not an object with a sequence number and an alert.",
        "The record is kept as a dead letter; report it with the sensor's version.",
    ),
    "BAVN-E221": (
        "An alert breaks the schema",
        "A field is missing, has the wrong type or a value that the schema forbids.",
        "The record is kept as a dead letter; report it with the sensor's version.",
    ),
    "BAVN-E222": (
        "An alert has unknown fields",
        "A core object has a field that this collector does not know, or there are too many unknown fields.",
        "Update the collector before the sensors; dead letters can be taken in again.",
    ),
    "BAVN-E223": (
        "An alert names another origin",
        "Its agency or sensor differs from those of the certificate it came under.",
        "Check the sensor's configuration; if it is right, treat the box as taken over.",
    ),
    "BAVN-E224": (
        "The identifier belongs to another sensor",
        "An alert of another agency or sensor has the same identifier, which chance does not explain.",
        "Treat the sending box as taken over until it is explained.",
    ),
    "BAVN-E225": (
        "A record is too large",
        "One alert may have 1 MiB as JSON.",
        "The record is kept as a dead letter, cut; report it with the sensor's version.",
    ),
    "BAVN-E226": (
        "The store refused an alert",
        "The alert passed the collector's checks, but the store's mapping does not take it.",
        "The record is kept as a dead letter; check that the index template is the collector's own.",
    ),
    "BAVN-E227": (
        "A sensor gave a record up",
        "The sensor's outbox was full, and the least important records went first. The loss is declared: the sequence has no gap.",
        "See why the sensor could not send: bavn sensor status at the agency.",
    ),
    "BAVN-E228": (
        "A record passed the checks and could not be stored",
        "The collector met something in it that its checks do not know; the record is kept among the dead letters.",
        "Report the record: it shows a check that is missing.",
    ),
    "BAVN-E230": (
        "The store is not reachable",
        "The database or cluster does not answer. The sensors keep their alerts.",
        "Look at the store's process, address, certificate and log.",
    ),
    "BAVN-E231": (
        "The store is read-only",
        "The store blocks writes, often because a disk is almost full. The sensors keep their alerts.",
        "Free space, then remove the block (Elasticsearch: index.blocks.*).",
    ),
    "BAVN-E232": (
        "The store is full",
        "The disk or the store's size limit leaves no room. The sensors keep their alerts.",
        "Free space or raise the limit; the sensors send again by themselves.",
    ),
    "BAVN-E233": (
        "The store is overloaded",
        "The store asked to wait, or another process holds its lock. The sensors keep their alerts.",
        "It passes by itself; if it lasts, add nodes or slow the senders.",
    ),
    "BAVN-E234": (
        "There is no such alert",
        "No alert's identifier begins with what was given.",
        "List alerts with: bavn alerts ls",
    ),
    "BAVN-E235": (
        "The short identifier is ambiguous",
        "More than one alert's identifier begins with what was given.",
        "Give more characters of it.",
    ),
    "BAVN-E236": (
        "The identifier is not usable",
        "A short identifier has 4 to 32 of the characters A to Z and 2 to 7.",
        "Copy it from: bavn alerts ls",
    ),
    "BAVN-E237": (
        "The store was written by a newer version",
        "Its schema is newer than this program knows.",
        "Update the collector.",
    ),
    "BAVN-E238": (
        "The disk did not keep what was written",
        "A flush to the disk failed; what is on it is unknown, so the collector ends rather than acknowledge.",
        "Replace the disk or check the file system, then start the collector again.",
    ),
    "BAVN-E239": (
        "The store is damaged or not a store",
        "The file is not a database of the collector, or its pages are damaged.",
        "Restore it from a backup; move the damaged file aside, do not delete it.",
    ),
    "BAVN-E240": (
        "The store does not let the collector in",
        "The API key or certificate was refused, or lacks rights on the indices bavn-*.",
        "Give the collector a key that may manage, read and write bavn-*.",
    ),
    "BAVN-E241": (
        "The query cannot be understood",
        "An address, network or cursor in it is not one.",
        "An address reads 192.0.2.1 or 2001:db8::1, a network 192.0.2.0/24.",
    ),
    "BAVN-E250": (
        "The access log cannot be read",
        "The file is not an access log or is damaged.",
        "Keep the file as evidence and restore it from a backup.",
    ),
    "BAVN-E251": (
        "A look-up has no purpose",
        "Each access is logged with who, role, purpose and action.",
        "State the purpose, for example by choosing a case.",
    ),
    "BAVN-E252": (
        "There is no such record in the access log",
        "The number lies outside of the log.",
        "Numbers begin at 0; see: bavn minlog",
    ),
    "BAVN-E255": (
        "A record of the access log was altered",
        "Its content no longer fits the commitment in the tree.",
        "Keep the file as evidence; compare with the heads that the agencies hold.",
    ),
    "BAVN-E256": (
        "A record of the access log was removed",
        "The log's checkpoints prove a record that is no longer there.",
        "Keep the file as evidence; compare with the heads that the agencies hold.",
    ),
    "BAVN-E257": (
        "Records of the access log were swapped",
        "A record stands at another one's place in the tree.",
        "Keep the file as evidence; compare with the heads that the agencies hold.",
    ),
    "BAVN-E258": (
        "A checkpoint of the access log does not hold",
        "Its signature is wrong, it is missing, or its root is not that of the records.",
        "Keep the file as evidence; compare with the heads that the agencies hold.",
    ),
    "BAVN-E259": (
        "The access log differs from what a witness saw",
        "An agency or publication holds a head that this log does not lead to: its past was rewritten.",
        "Keep the file as evidence; the witness's head is the proof.",
    ),
    "BAVN-E260": (
        "The registry of sensors cannot be used",
        "The file is missing or not of the expected shape.",
        "Restore it, or register the sensors again.",
    ),
    "BAVN-E261": (
        "A key or certificate cannot be used",
        "The file is missing, of another kind, or damaged.",
        "Make a new one, or name the right file.",
    ),
    "BAVN-E262": (
        "The sensor is already registered",
        "A sensor of that agency and name has another key.",
        "Revoke the old one first, or choose another name.",
    ),
}


class BavnError(Exception):
    """An error with a code of the catalogue, a sentence, and a hint."""

    def __init__(self, code: str, sentence: str, *, evidence: str = "", hint: str | None = None) -> None:
        super().__init__(f"{code}: {sentence}")
        self.code = code
        self.sentence = sentence
        self.evidence = evidence
        self.hint = CATALOGUE[code][2] if hint is None else hint


class StoreUnavailableError(BavnError):
    """The store took nothing or not all; the same may be sent again after `retry_after` seconds."""

    def __init__(self, code: str, sentence: str, *, retry_after: int = 5, evidence: str = "") -> None:
        super().__init__(code, sentence, evidence=evidence)
        self.retry_after = retry_after
