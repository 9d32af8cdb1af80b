//! Numbers and bits by their names in the specifications.

use super::status;

/// Option of an open: the file is deleted when it is closed.
pub(super) const DELETE_ON_CLOSE: u32 = 0x0000_1000;
/// Option of an open: only a directory will do.
pub(super) const DIRECTORY_FILE: u32 = 0x0000_0001;

/// True for statuses of an error, by their two highest bits ([MS-ERREF] 2.3).
pub(super) fn is_failure(status: u32) -> bool {
    status >> 30 == 3
}

/// A status by name, or its number.
pub(super) fn status(code: u32) -> Vec<u8> {
    match status::NAMES.binary_search_by_key(&code, |row| row.0) {
        Ok(at) => status::NAMES[at].1.as_bytes().to_vec(),
        Err(_) => format!("{code:#010x}").into_bytes(),
    }
}

type Bits = [(u32, &'static str)];

fn set(bits: u32, table: &Bits) -> Vec<&'static str> {
    table.iter().filter(|(bit, _)| bits & bit != 0).map(|(_, name)| *name).collect()
}

/// Rights ([MS-SMB2] 2.2.13.1.1).
pub(super) fn access(mask: u32) -> Vec<&'static str> {
    set(mask, ACCESS)
}

const ACCESS: &Bits = &[
    (0x0000_0001, "READ_DATA"),
    (0x0000_0002, "WRITE_DATA"),
    (0x0000_0004, "APPEND_DATA"),
    (0x0000_0008, "READ_EA"),
    (0x0000_0010, "WRITE_EA"),
    (0x0000_0020, "EXECUTE"),
    (0x0000_0040, "DELETE_CHILD"),
    (0x0000_0080, "READ_ATTRIBUTES"),
    (0x0000_0100, "WRITE_ATTRIBUTES"),
    (0x0001_0000, "DELETE"),
    (0x0002_0000, "READ_CONTROL"),
    (0x0004_0000, "WRITE_DAC"),
    (0x0008_0000, "WRITE_OWNER"),
    (0x0010_0000, "SYNCHRONIZE"),
    (0x0100_0000, "ACCESS_SYSTEM_SECURITY"),
    (0x0200_0000, "MAXIMUM_ALLOWED"),
    (0x1000_0000, "GENERIC_ALL"),
    (0x2000_0000, "GENERIC_EXECUTE"),
    (0x4000_0000, "GENERIC_WRITE"),
    (0x8000_0000, "GENERIC_READ"),
];

/// Options of an open ([MS-SMB2] 2.2.13).
pub(super) fn options(bits: u32) -> Vec<&'static str> {
    set(bits, OPTIONS)
}

const OPTIONS: &Bits = &[
    (DIRECTORY_FILE, "DIRECTORY_FILE"),
    (0x0000_0002, "WRITE_THROUGH"),
    (0x0000_0004, "SEQUENTIAL_ONLY"),
    (0x0000_0008, "NO_INTERMEDIATE_BUFFERING"),
    (0x0000_0010, "SYNCHRONOUS_IO_ALERT"),
    (0x0000_0020, "SYNCHRONOUS_IO_NONALERT"),
    (0x0000_0040, "NON_DIRECTORY_FILE"),
    (0x0000_0100, "COMPLETE_IF_OPLOCKED"),
    (0x0000_0200, "NO_EA_KNOWLEDGE"),
    (0x0000_0800, "RANDOM_ACCESS"),
    (DELETE_ON_CLOSE, "DELETE_ON_CLOSE"),
    (0x0000_2000, "OPEN_BY_FILE_ID"),
    (0x0000_4000, "OPEN_FOR_BACKUP_INTENT"),
    (0x0000_8000, "NO_COMPRESSION"),
    (0x0020_0000, "OPEN_REPARSE_POINT"),
    (0x0040_0000, "OPEN_NO_RECALL"),
    (0x0080_0000, "OPEN_FOR_FREE_SPACE_QUERY"),
];

/// Attributes of a file ([MS-FSCC] 2.6), in ECS's spelling.
pub(super) fn attributes(bits: u32) -> Vec<&'static str> {
    set(bits, ATTRIBUTES)
}

const ATTRIBUTES: &Bits = &[
    (0x0001, "readonly"),
    (0x0002, "hidden"),
    (0x0004, "system"),
    (0x0010, "directory"),
    (0x0020, "archive"),
    (0x0080, "normal"),
    (0x0100, "temporary"),
    (0x0200, "sparse"),
    (0x0400, "reparse_point"),
    (0x0800, "compressed"),
    (0x1000, "offline"),
    (0x2000, "not_content_indexed"),
    (0x4000, "encrypted"),
];

/// Bit of a directory in the attributes.
pub(super) const DIRECTORY: u32 = 0x0010;

/// Capabilities in SMB2 ([MS-SMB2] 2.2.3).
pub(super) fn capabilities(bits: u32) -> Vec<&'static str> {
    set(bits, CAPABILITIES)
}

const CAPABILITIES: &Bits = &[
    (0x01, "DFS"),
    (0x02, "LEASING"),
    (0x04, "LARGE_MTU"),
    (0x08, "MULTI_CHANNEL"),
    (0x10, "PERSISTENT_HANDLES"),
    (0x20, "DIRECTORY_LEASING"),
    (0x40, "ENCRYPTION"),
    (0x80, "NOTIFICATIONS"),
];

/// Capabilities in SMB1 ([MS-CIFS] 2.2.4.52.2, [MS-SMB] 2.2.4.5.2.1).
pub(super) fn capabilities_smb1(bits: u32) -> Vec<&'static str> {
    set(bits, CAPABILITIES_SMB1)
}

const CAPABILITIES_SMB1: &Bits = &[
    (0x0000_0001, "RAW_MODE"),
    (0x0000_0002, "MPX_MODE"),
    (0x0000_0004, "UNICODE"),
    (0x0000_0008, "LARGE_FILES"),
    (0x0000_0010, "NT_SMBS"),
    (0x0000_0020, "RPC_REMOTE_APIS"),
    (0x0000_0040, "STATUS32"),
    (0x0000_0080, "LEVEL_II_OPLOCKS"),
    (0x0000_0100, "LOCK_AND_READ"),
    (0x0000_0200, "NT_FIND"),
    (0x0000_1000, "DFS"),
    (0x0000_2000, "INFOLEVEL_PASSTHRU"),
    (0x0000_4000, "LARGE_READX"),
    (0x0000_8000, "LARGE_WRITEX"),
    (0x0001_0000, "LWIO"),
    (0x0080_0000, "UNIX"),
    (0x0200_0000, "COMPRESSED_DATA"),
    (0x2000_0000, "DYNAMIC_REAUTH"),
    (0x8000_0000, "EXTENDED_SECURITY"),
];

/// What an open is to do ([MS-SMB2] 2.2.13).
pub(super) const fn disposition(number: u32) -> &'static str {
    match number {
        0 => "supersede",
        1 => "open",
        2 => "create",
        3 => "open_if",
        4 => "overwrite",
        5 => "overwrite_if",
        _ => "unknown",
    }
}

/// What an open did ([MS-SMB2] 2.2.14).
pub(super) const fn create_action(number: u32) -> Option<&'static str> {
    Some(match number {
        0 => "superseded",
        1 => "opened",
        2 => "created",
        3 => "overwritten",
        _ => return None,
    })
}

/// Ciphers ([MS-SMB2] 2.2.3.1.2).
pub(super) const fn cipher(number: u16) -> Option<&'static str> {
    Some(match number {
        1 => "AES-128-CCM",
        2 => "AES-128-GCM",
        3 => "AES-256-CCM",
        4 => "AES-256-GCM",
        _ => return None,
    })
}

/// A control code by name ([MS-FSCC] 2.3, [MS-SMB2] 2.2.31), or its number.
pub(super) fn fsctl(code: u32) -> Vec<u8> {
    match FSCTLS.iter().find(|row| row.0 == code) {
        Some((_, name)) => name.as_bytes().to_vec(),
        None => format!("{code:#010x}").into_bytes(),
    }
}

/// A pipe is written to and read from in one go.
pub(super) const PIPE_TRANSCEIVE: u32 = 0x0011_c017;

const FSCTLS: &[(u32, &str)] = &[
    (0x0006_0194, "FSCTL_DFS_GET_REFERRALS"),
    (0x0006_01b0, "FSCTL_DFS_GET_REFERRALS_EX"),
    (0x0009_0000, "FSCTL_REQUEST_OPLOCK_LEVEL_1"),
    (0x0009_0018, "FSCTL_LOCK_VOLUME"),
    (0x0009_001c, "FSCTL_UNLOCK_VOLUME"),
    (0x0009_003c, "FSCTL_GET_COMPRESSION"),
    (0x0009_009c, "FSCTL_GET_OBJECT_ID"),
    (0x0009_00a4, "FSCTL_SET_REPARSE_POINT"),
    (0x0009_00a8, "FSCTL_GET_REPARSE_POINT"),
    (0x0009_00ac, "FSCTL_DELETE_REPARSE_POINT"),
    (0x0009_00c0, "FSCTL_CREATE_OR_GET_OBJECT_ID"),
    (0x0009_00c4, "FSCTL_SET_SPARSE"),
    (0x0009_40eb, "FSCTL_READ_FILE_USN_DATA"),
    (0x0009_022c, "FSCTL_GET_INTEGRITY_INFORMATION"),
    (0x0009_0240, "FSCTL_REQUEST_OPLOCK"),
    (0x0009_0284, "FSCTL_QUERY_FILE_REGIONS"),
    (0x0009_40cf, "FSCTL_QUERY_ALLOCATED_RANGES"),
    (0x0009_80c8, "FSCTL_SET_ZERO_DATA"),
    (0x0009_8208, "FSCTL_FILE_LEVEL_TRIM"),
    (0x0009_8344, "FSCTL_DUPLICATE_EXTENTS_TO_FILE"),
    (0x0009_c040, "FSCTL_SET_COMPRESSION"),
    (0x0009_c280, "FSCTL_SET_INTEGRITY_INFORMATION"),
    (0x0011_400c, "FSCTL_PIPE_PEEK"),
    (0x0011_0018, "FSCTL_PIPE_WAIT"),
    (PIPE_TRANSCEIVE, "FSCTL_PIPE_TRANSCEIVE"),
    (0x0014_0078, "FSCTL_SRV_REQUEST_RESUME_KEY"),
    (0x0014_0194, "FSCTL_SRV_READ_HASH"),
    (0x0014_01d4, "FSCTL_LMR_REQUEST_RESILIENCY"),
    (0x0014_01fc, "FSCTL_QUERY_NETWORK_INTERFACE_INFO"),
    (0x0014_0204, "FSCTL_VALIDATE_NEGOTIATE_INFO"),
    (0x0014_0230, "FSCTL_LMR_SET_LINK_TRACKING_INFORMATION"),
    (0x0014_4064, "FSCTL_SRV_ENUMERATE_SNAPSHOTS"),
    (0x0014_40f2, "FSCTL_SRV_COPYCHUNK"),
    (0x0014_80f2, "FSCTL_SRV_COPYCHUNK_WRITE"),
];

/// A GUID in its customary text form: the first three parts are little-endian.
pub(super) fn guid(bytes: &[u8; 16]) -> String {
    let [a, b, c, d, e, f, g, h, rest @ ..] = *bytes;
    let tail = rest.iter().fold(0u64, |tail, byte| tail << 8 | u64::from(*byte));
    let (first, second, third) =
        (u32::from_le_bytes([a, b, c, d]), u16::from_le_bytes([e, f]), u16::from_le_bytes([g, h]));
    format!("{first:08x}-{second:04x}-{third:04x}-{:04x}-{:012x}", tail >> 48, tail & 0xffff_ffff_ffff)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statuses_are_sorted_and_unknown_ones_keep_their_number() {
        assert!(super::status::NAMES.windows(2).all(|pair| pair[0].0 < pair[1].0));
        assert_eq!(status(0xc000_006d), b"STATUS_LOGON_FAILURE");
        assert_eq!(status(0xc123_4567), b"0xc1234567");
        assert!(is_failure(0xc000_0022));
        assert!(!is_failure(0x8000_0006));
    }

    #[test]
    fn guid_has_its_customary_form() {
        let bytes =
            [0x33, 0x22, 0x11, 0, 0x55, 0x44, 0x77, 0x66, 0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff];
        assert_eq!(guid(&bytes), "00112233-4455-6677-8899-aabbccddeeff");
    }

    #[test]
    fn bits_have_names() {
        assert_eq!(access(0x0002_0001), ["READ_DATA", "READ_CONTROL"]);
        assert_eq!(fsctl(0x0014_0204), b"FSCTL_VALIDATE_NEGOTIATE_INFO");
        assert_eq!(fsctl(7), b"0x00000007");
    }
}
