use super::*;

fn names() -> impl Iterator<Item = (&'static str, &'static str)> {
    let rows = LOGS.iter().flat_map(|log| log.rows.iter().map(move |row| (log.name, row)));
    rows.flat_map(|(log, row)| row.to.iter().map(move |to| (log, *to)))
}

#[test]
fn every_field_of_a_table_is_one() {
    let parts = [
        "@source.ip",
        "@source.port",
        "@destination.ip",
        "@destination.port",
        "@transport",
        "@vlan",
        "@inner_vlan",
        "@time",
        "@after",
        "@start",
        "@flow",
        "@packet",
        "@nowhere",
        "@source.bits",
        "@destination.bits",
    ];
    for (log, name) in names() {
        assert!(parts.contains(&name) || Field::by_name(name).is_some(), "{log}: {name}");
    }
    for log in LOGS {
        let kind = EventKind::by_name(log.kind);
        assert!(kind.is_some(), "{}: {}", log.name, log.kind);
        for (name, _) in log.given.iter().filter(|(name, _)| !name.starts_with('@')) {
            assert!(Field::by_name(name).is_some(), "{}: {name}", log.name);
        }
        for row in log.rows {
            assert!(
                row.with.is_empty() || log.rows.iter().any(|other| other.key == row.with),
                "{}: {}",
                log.name,
                row.with
            );
            let how = row.how.split(':').next().unwrap();
            assert!(
                ["before", "after"].contains(&how) || How::by_word(row.how).is_some(),
                "{}: {}",
                log.name,
                row.how
            );
        }
    }
}

#[test]
fn every_field_of_a_table_is_one_of_its_kind() {
    for log in LOGS {
        let fields = proto::fields(EventKind::by_name(log.kind).unwrap());
        for row in log.rows {
            for field in row.to.iter().filter_map(|to| Field::by_name(to)) {
                let is_known = fields.contains(&field) || INFO_FIELDS.contains(&field);
                assert!(is_known, "{} {}: {}", log.source, log.name, field.name());
            }
        }
    }
}

#[test]
fn each_key_is_found_by_itself() {
    let tables = Tables::new();
    for table in tables.zeek.iter().chain(&tables.suricata).chain(&tables.bavn).chain(&tables.ecs) {
        assert!(table.entries.len() <= MAX_ROWS, "{}: {}", table.name, table.entries.len());
        for entry in &table.entries {
            let found = table.find(b"", &entry.key).map(|at| &table.entries[usize::from(at)].key);
            assert_eq!(found, Some(&entry.key));
            for dot in memchr::memchr_iter(b'.', &entry.key) {
                let split = table.find(&entry.key[..dot], &entry.key[dot + 1..]);
                assert_eq!(split.map(|at| &table.entries[usize::from(at)].key), Some(&entry.key));
            }
        }
        assert_eq!(table.find(b"", b"no.such.key"), None);
        assert_eq!(table.find(b"no", b""), None);
    }
}

#[test]
fn signatures_tell_logs_apart() {
    let zeek = Tables::new().zeek;
    for table in &zeek {
        let has = |other: &Table| other.signature.iter().all(|key| table.find(b"", key.as_bytes()).is_some());
        let first =
            zeek.iter().find(|other| !other.signature.is_empty() && has(other)).map(|other| other.name);
        assert_eq!(first, Some(table.name));
    }
}
