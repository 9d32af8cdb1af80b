"""The SQLite store's schema, as steps; `user_version` counts the steps that a file has taken."""

from __future__ import annotations

from typing import Final

STEPS: Final = (
    """
    CREATE TABLE alerts (
        ordinal INTEGER PRIMARY KEY AUTOINCREMENT,
        id TEXT NOT NULL UNIQUE,
        agency TEXT NOT NULL,
        sensor TEXT NOT NULL,
        time INTEGER NOT NULL,
        ingested TEXT NOT NULL,
        level TEXT NOT NULL,
        rule TEXT NOT NULL,
        source_ip TEXT,
        destination_ip TEXT,
        community_id TEXT,
        body BLOB NOT NULL
    ) STRICT;
    CREATE INDEX alerts_by_time ON alerts (time, id);
    CREATE INDEX alerts_by_level ON alerts (level, time);
    CREATE INDEX alerts_by_agency ON alerts (agency, time);
    CREATE INDEX alerts_by_rule ON alerts (rule, time);
    CREATE INDEX alerts_by_source ON alerts (source_ip) WHERE source_ip IS NOT NULL;
    CREATE INDEX alerts_by_destination ON alerts (destination_ip) WHERE destination_ip IS NOT NULL;
    CREATE INDEX alerts_by_community ON alerts (community_id) WHERE community_id IS NOT NULL;
    CREATE TABLE techniques (
        technique TEXT NOT NULL,
        ordinal INTEGER NOT NULL REFERENCES alerts ON DELETE CASCADE,
        PRIMARY KEY (technique, ordinal)
    ) STRICT, WITHOUT ROWID;
    CREATE VIRTUAL TABLE alerts_text USING fts5 (
        text, content='', contentless_delete=1, tokenize="unicode61 remove_diacritics 0 tokenchars '_'"
    );
    CREATE TABLE states (id TEXT PRIMARY KEY, state TEXT NOT NULL, body BLOB NOT NULL) STRICT, WITHOUT ROWID;
    CREATE TABLE sequences (
        agency TEXT NOT NULL,
        sensor TEXT NOT NULL,
        ranges BLOB NOT NULL,
        forgotten INTEGER NOT NULL,
        updated TEXT NOT NULL,
        PRIMARY KEY (agency, sensor)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE heartbeats (
        agency TEXT NOT NULL,
        sensor TEXT NOT NULL,
        body BLOB NOT NULL,
        PRIMARY KEY (agency, sensor)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE dead_letters (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        digest TEXT NOT NULL UNIQUE,
        agency TEXT NOT NULL,
        sensor TEXT NOT NULL,
        seq INTEGER,
        id TEXT,
        code TEXT NOT NULL,
        reason TEXT NOT NULL,
        at TEXT NOT NULL,
        body BLOB NOT NULL
    ) STRICT;
    """,
    "ALTER TABLE sequences ADD COLUMN declared INTEGER NOT NULL DEFAULT 0;",
)
