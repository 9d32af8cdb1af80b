//! Transactions of SMB 1 that are neither calls on a pipe nor everyday work with files ([MS-CIFS] 2.2.5 to 2.2.7):
//! peeks at pipes, those that no client uses, those of NT, and the first further part of each kind.

use super::{Block, Command};
use crate::proto::little::u8_at;
use crate::proto::smb::state::{Seconds, Transaction};

/// Subcommands of a transaction on a pipe.
const PIPE: &[(u16, &str)] = &[
    (0x0001, "set_named_pipe_state"),
    (0x0011, "raw_read_named_pipe"),
    (0x0021, "query_named_pipe_state"),
    (0x0022, "query_named_pipe_info"),
    (0x0023, "peek_named_pipe"),
    (0x0031, "raw_write_named_pipe"),
    (0x0036, "read_named_pipe"),
    (0x0037, "write_named_pipe"),
    (0x0053, "wait_named_pipe"),
];
/// Subcommands of TRANSACTION2 that clients use every day: they are not told.
const EVERYDAY: [u16; 12] = [0, 1, 2, 3, 5, 6, 7, 8, 0x0b, 0x0d, 0x10, 0x11];
const TWO: &[(u16, &str)] = &[
    (0x0004, "trans2_set_fs_information"),
    (0x0009, "trans2_fsctl"),
    (0x000a, "trans2_ioctl2"),
    (0x000c, "trans2_find_notify_next"),
    (0x000e, "trans2_session_setup"),
];
const NT: &[(u16, &str)] = &[
    (0x0001, "nt_transact_create"),
    (0x0002, "nt_transact_ioctl"),
    (0x0003, "nt_transact_set_security_desc"),
    (0x0004, "nt_transact_notify_change"),
    (0x0005, "nt_transact_rename"),
    (0x0006, "nt_transact_query_security_desc"),
    (0x0007, "nt_transact_get_user_quota"),
    (0x0008, "nt_transact_set_user_quota"),
];

/// The transaction that a request is, if it is one to tell. The inner functions read nothing that is cut.
pub(super) fn of(block: &Block<'_>, seconds: &mut Seconds) -> Option<Transaction> {
    match block.command {
        Command::TRANSACTION if setup_count(block, 26)? >= 2 => named(block, PIPE, "pipe_"),
        Command::TRANSACTION2 if setup_count(block, 26)? >= 1 => {
            named(block, TWO, "trans2_").filter(|_| !EVERYDAY.contains(&block.word(28).unwrap_or_default()))
        }
        Command::NT_TRANSACT => {
            Some(Transaction { name: name(NT, block.word(36)?, "nt_transact_"), data: block.double(7)? })
        }
        Command::TRANSACTION_SECONDARY => seconds.first(0).then(|| further(block, "transaction_secondary")),
        Command::TRANSACTION2_SECONDARY => seconds.first(1).then(|| further(block, "trans2_secondary")),
        Command::NT_TRANSACT_SECONDARY => seconds.first(2).then(|| Transaction {
            name: b"nt_transact_secondary".to_vec(),
            data: block.double(7).unwrap_or_default(),
        }),
        _ => None,
    }
}

fn setup_count(block: &Block<'_>, at: usize) -> Option<u8> {
    u8_at(block.words, at)
}

fn named(block: &Block<'_>, names: &[(u16, &str)], prefix: &str) -> Option<Transaction> {
    Some(Transaction { name: name(names, block.word(28)?, prefix), data: block.word(2)?.into() })
}

fn further(block: &Block<'_>, name: &str) -> Transaction {
    Transaction { name: name.as_bytes().to_vec(), data: block.word(2).unwrap_or_default().into() }
}

fn name(names: &[(u16, &str)], number: u16, prefix: &str) -> Vec<u8> {
    let known = names.iter().find(|row| row.0 == number).map(|row| row.1.to_owned());
    known.unwrap_or_else(|| format!("{prefix}{number}")).into_bytes()
}
