//! Names of S7comm's numbers. There is no public specification: they are those that open libraries and dissectors agree on.

/// Function of a job.
pub(super) const fn function(code: u8) -> Option<&'static str> {
    Some(match code {
        0x00 => "cpu_services",
        0x04 => "read_var",
        0x05 => "write_var",
        0x1a => "request_download",
        0x1b => "download_block",
        0x1c => "download_ended",
        0x1d => "start_upload",
        0x1e => "upload",
        0x1f => "end_upload",
        0x28 => "plc_control",
        0x29 => "plc_stop",
        0xf0 => "setup_communication",
        _ => return None,
    })
}

/// True where a job changes the program or the running of the controller.
pub(super) const fn is_control(code: u8) -> bool {
    matches!(code, 0x1a..=0x1c | 0x28 | 0x29)
}

/// Group of functions of userdata.
pub(super) const fn group(code: u8) -> Option<&'static str> {
    Some(match code & 0x0f {
        0 => "mode_transition",
        1 => "programmer",
        2 => "cyclic_data",
        3 => "block",
        4 => "cpu",
        5 => "security",
        6 => "pbc",
        7 => "time",
        15 => "nc_programming",
        _ => return None,
    })
}

/// Sub-function of a group.
pub(super) const fn sub_function(group: u8, code: u8) -> Option<&'static str> {
    Some(match (group & 0x0f, code) {
        (1, 1) => "request_diagnostic_data",
        (1, 2) => "variable_table",
        (1, 0x0c) => "erase",
        (1, 0x0e) => "read_diagnostic_data",
        (1, 0x0f) => "remove_diagnostic_data",
        (1, 0x10) => "forces",
        (2, 1) => "cyclic_memory",
        (2, 4) => "unsubscribe",
        (3, 1) => "list_blocks",
        (3, 2) => "list_blocks_of_type",
        (3, 3) => "block_info",
        (4, 1) => "read_szl",
        (4, 2) => "message_service",
        (4, 3) => "diagnostic_message",
        (5, 1) => "plc_password",
        (7, 1) => "read_clock",
        (7, 2) => "set_clock",
        (7, 3) => "read_clock_following",
        (7, 4) => "set_clock_2",
        _ => return None,
    })
}

/// Memory area of an item.
pub(super) const fn area(code: u8) -> Option<&'static str> {
    Some(match code {
        0x03 => "system_info",
        0x05 => "system_flags",
        0x06 => "analog_inputs",
        0x07 => "analog_outputs",
        0x1c | 0x1e => "counters",
        0x1d | 0x1f => "timers",
        0x80 => "peripheral",
        0x81 => "inputs",
        0x82 => "outputs",
        0x83 => "flags",
        0x84 => "db",
        0x85 => "instance_db",
        0x86 => "local",
        0x87 => "caller_local",
        _ => return None,
    })
}

/// Kind of an item's elements.
pub(super) const fn element(code: u8) -> Option<&'static str> {
    Some(match code {
        0x01 => "bit",
        0x02 => "byte",
        0x03 => "char",
        0x04 => "word",
        0x05 => "int",
        0x06 => "dword",
        0x07 => "dint",
        0x08 => "real",
        0x09 => "date",
        0x0a => "time_of_day",
        0x0b => "time",
        0x0c => "s5time",
        0x0f => "date_and_time",
        0x1c => "counter",
        0x1d => "timer",
        0x1e => "iec_timer",
        0x1f => "iec_counter",
        0x20 => "hs_counter",
        _ => return None,
    })
}

/// Class of an error.
pub(super) const fn error_class(code: u8) -> Option<&'static str> {
    Some(match code {
        0x81 => "application_relationship",
        0x82 => "object_definition",
        0x83 => "no_resources",
        0x84 => "service_processing",
        0x85 => "supplies",
        0x87 => "access",
        _ => return None,
    })
}

/// What came of one item.
pub(super) const fn item_result(code: u8) -> Option<&'static str> {
    Some(match code {
        0x00 => "reserved",
        0x01 => "hardware_error",
        0x03 => "access_denied",
        0x05 => "invalid_address",
        0x06 => "type_not_supported",
        0x07 => "type_inconsistent",
        0x0a => "object_does_not_exist",
        0xff => "success",
        _ => return None,
    })
}

/// Type of a block by its two characters in a file name.
pub(super) const fn block(code: [u8; 2]) -> Option<&'static str> {
    Some(match &code {
        b"08" => "ob",
        b"0A" => "db",
        b"0B" => "sdb",
        b"0C" => "fc",
        b"0D" => "sfc",
        b"0E" => "fb",
        b"0F" => "sfb",
        _ => return None,
    })
}
