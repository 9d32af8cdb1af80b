//! The one table of fields that events can carry.
//!
//! Names are ECS names (ECS 8.17); what ECS has no name for lives under `bavn.`.
//! Each protocol lists its own in `proto/<name>/fields.txt`, what several share stands in `src/fields.txt`; the build
//! script puts them together, sorted by name, so that a writer can print nested JSON in one pass.

/// What a field's values are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FieldType {
    /// Bytes as seen on the wire, text by custom; not always UTF-8.
    Text,
    /// A whole number.
    Number,
    /// A fraction.
    Float,
    /// True or false.
    Bool,
    /// An IPv4 or IPv6 address.
    Ip,
    /// Nanoseconds since the Unix epoch, UTC.
    Time,
}

/// One row of the field table.
#[derive(Clone, Copy, Debug)]
pub struct FieldDef {
    /// ECS name, dotted.
    pub name: &'static str,
    /// Type of a single value.
    pub ty: FieldType,
    /// True where the field carries a list.
    pub list: bool,
    /// True where the field is for rules only and never printed (raw views).
    pub hidden: bool,
    /// Meaning, unit and source.
    pub doc: &'static str,
}

macro_rules! flag {
    ($row:ident list) => {
        $row.list = true;
    };
    ($row:ident hidden) => {
        $row.hidden = true;
    };
}

macro_rules! fields {
    ($($ident:ident = $name:literal $ty:ident $($flag:ident)*, $doc:literal;)*) => {
        /// A field by its number; the number is the row in [`FIELDS`].
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u16)]
        pub enum Field { $(#[doc = $doc] $ident,)* }

        /// All fields, sorted by name.
        pub const FIELDS: &[FieldDef] = &[$({
            #[allow(unused_mut)]
            let mut row = FieldDef { name: $name, ty: FieldType::$ty, list: false, hidden: false, doc: $doc };
            $(flag!(row $flag);)*
            row
        },)*];

        const ALL: &[Field] = &[$(Field::$ident,)*];
    };
}

include!(concat!(env!("OUT_DIR"), "/fields.rs"));

impl Field {
    /// The row of this field.
    #[must_use]
    pub const fn def(self) -> &'static FieldDef {
        &FIELDS[self as usize]
    }

    /// ECS name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        self.def().name
    }

    /// The field of that ECS name.
    #[must_use]
    pub fn by_name(name: &str) -> Option<Self> {
        let row = FIELDS.binary_search_by(|def| def.name.cmp(name)).ok()?;
        ALL.get(row).copied()
    }

    /// Every field, in the order of the table.
    #[must_use]
    pub const fn all() -> &'static [Self] {
        ALL
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn table_is_sorted_and_found_by_name() {
        for pair in FIELDS.windows(2) {
            assert!(pair[0].name < pair[1].name, "{} before {}", pair[0].name, pair[1].name);
        }
        for field in Field::all() {
            assert_eq!(Field::by_name(field.name()), Some(*field));
        }
        assert_eq!(Field::by_name("no.such.field"), None);
    }
}
