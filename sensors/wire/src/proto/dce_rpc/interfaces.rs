//! Well-known interfaces and their operations, by UUID and number.

/// One row of the table: the name, and the lines with the operations.
#[derive(Clone, Copy, Debug)]
pub(super) struct Interface {
    pub(super) name: &'static str,
    operations: &'static str,
}

const TABLE: &str = include_str!("interfaces.txt");

/// The interface of that UUID.
pub(super) fn find(uuid: u128) -> Option<Interface> {
    let text = uuid_text(uuid);
    let at = memchr::memmem::find(TABLE.as_bytes(), format!("\n{text} ").as_bytes())?;
    let (head, rest) = TABLE.get(at + 1..)?.split_once('\n')?;
    let end = rest.split_inclusive('\n').take_while(|line| line.starts_with(' ')).map(str::len).sum();
    Some(Interface { name: head.split(' ').nth(1)?, operations: rest.get(..end)? })
}

impl Interface {
    /// Name of the operation of that number.
    pub(super) fn operation(&self, number: u16) -> Option<&'static str> {
        self.operations.split_whitespace().nth(number.into()).filter(|name| *name != "-")
    }
}

/// A UUID in its text form.
pub(super) fn uuid_text(uuid: u128) -> String {
    let part = |shift: u32, bits: u32| uuid >> shift & ((1 << bits) - 1);
    format!(
        "{:08x}-{:04x}-{:04x}-{:04x}-{:012x}",
        part(96, 32),
        part(80, 16),
        part(64, 16),
        part(48, 16),
        part(0, 48)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn operation(uuid: u128, number: u16) -> Option<&'static str> {
        find(uuid)?.operation(number)
    }

    #[test]
    fn interfaces_are_sorted_and_found() {
        let heads = || TABLE.lines().filter(|line| !line.starts_with(['#', ' ']));
        assert!(heads().count() > 100);
        assert!(heads().zip(heads().skip(1)).all(|(one, next)| one[..36] < next[..36]));
        for head in heads() {
            let uuid = u128::from_str_radix(&head[..36].replace('-', ""), 16).unwrap();
            assert_eq!(find(uuid).unwrap().name, head.split(' ').nth(1).unwrap(), "{head}");
            assert_eq!(uuid_text(uuid), head[..36]);
        }
    }

    #[test]
    fn operations_that_attacks_use_have_their_names() {
        let svcctl = 0x367a_bb81_9844_35f1_ad32_98f0_3800_1003;
        assert_eq!(operation(svcctl, 12), Some("CreateServiceW"));
        assert_eq!(operation(svcctl, 19), Some("StartServiceW"));
        assert_eq!(operation(svcctl, 55), None);
        assert_eq!(operation(svcctl, 999), None);
        assert_eq!(operation(0xe351_4235_4b06_11d1_ab04_00c0_4fc2_dcd2, 3), Some("DRSGetNCChanges"));
        assert_eq!(operation(0x1234_5678_1234_abcd_ef00_0123_4567_cffb, 30), Some("NetrServerPasswordSet2"));
        assert_eq!(operation(0x86d3_5949_83c9_4044_b424_db36_3231_fd0c, 1), Some("SchRpcRegisterTask"));
        assert_eq!(operation(0x1234_5678_1234_abcd_ef00_0123_4567_89ab, 89), Some("RpcAddPrinterDriverEx"));
        assert_eq!(operation(0x9556_dc99_828c_11cf_a37e_00aa_0032_40c7, 24), Some("ExecMethod"));
        assert!(find(1).is_none());
    }
}
