//! Names of functions, indications and control codes (IEEE 1815-2012, 4.4 to 4.5, 11 and annex A).

/// Function by its code.
pub(super) const fn function(code: u8) -> Option<&'static str> {
    Some(match code {
        0 => "confirm",
        1 => "read",
        2 => "write",
        3 => "select",
        4 => "operate",
        5 => "direct_operate",
        6 => "direct_operate_nr",
        7 => "immed_freeze",
        8 => "immed_freeze_nr",
        9 => "freeze_clear",
        10 => "freeze_clear_nr",
        11 => "freeze_at_time",
        12 => "freeze_at_time_nr",
        13 => "cold_restart",
        14 => "warm_restart",
        15 => "initialize_data",
        16 => "initialize_appl",
        17 => "start_appl",
        18 => "stop_appl",
        19 => "save_config",
        20 => "enable_unsolicited",
        21 => "disable_unsolicited",
        22 => "assign_class",
        23 => "delay_measure",
        24 => "record_current_time",
        25 => "open_file",
        26 => "close_file",
        27 => "delete_file",
        28 => "get_file_info",
        29 => "authenticate_file",
        30 => "abort_file",
        31 => "activate_config",
        32 => "authenticate_req",
        33 => "authenticate_req_nr",
        129 => "response",
        130 => "unsolicited_response",
        131 => "authenticate_resp",
        _ => return None,
    })
}

/// True where the function acts on the process, or on the device's running or configuration.
pub(super) const fn is_control(code: u8) -> bool {
    matches!(code, 3..=6 | 13..=19 | 31)
}

/// True where no answer is ever sent.
pub(super) const fn is_unanswered(code: u8) -> bool {
    matches!(code, 6 | 8 | 10 | 12 | 33)
}

/// Internal indications, the lowest bit of the first byte first (4.5.1).
const INDICATIONS: [&str; 16] = [
    "broadcast",
    "class_1_events",
    "class_2_events",
    "class_3_events",
    "need_time",
    "local_control",
    "device_trouble",
    "device_restart",
    "no_func_code_support",
    "object_unknown",
    "parameter_error",
    "event_buffer_overflow",
    "already_executing",
    "config_corrupt",
    "reserved_2",
    "reserved_1",
];

/// Names of the bits that are set; the first byte on the wire is the high one.
pub(super) fn indications(iin: u16) -> impl Iterator<Item = &'static str> {
    let bits = iin.swap_bytes();
    INDICATIONS.into_iter().enumerate().filter(move |(bit, _)| bits >> bit & 1 == 1).map(|(_, name)| name)
}

/// Operation of a control relay output block (A.8.1): type, and trip or close.
pub(super) const fn operation(code: u8) -> &'static str {
    match (code & 0x0f, code >> 6) {
        (1, 1) => "pulse_on_close",
        (1, 2) => "pulse_on_trip",
        (1, _) => "pulse_on",
        (2, _) => "pulse_off",
        (3, _) => "latch_on",
        (4, _) => "latch_off",
        (0, _) => "nul",
        _ => "unknown",
    }
}

/// Status of a control (A.8.1, table of status codes).
pub(super) const fn status(code: u8) -> Option<&'static str> {
    Some(match code & 0x7f {
        0 => "success",
        1 => "timeout",
        2 => "no_select",
        3 => "format_error",
        4 => "not_supported",
        5 => "already_active",
        6 => "hardware_error",
        7 => "local",
        8 => "too_many_objs",
        9 => "not_authorized",
        10 => "automation_inhibit",
        11 => "processing_limited",
        12 => "out_of_range",
        13 => "downstream_local",
        14 => "already_complete",
        15 => "blocked",
        16 => "canceled",
        17 => "blocked_other_master",
        18 => "downstream_fail",
        126 => "reserved",
        127 => "undefined",
        _ => return None,
    })
}
