//! Names of functions and exceptions (MODBUS Application Protocol Specification V1.1b3, 5.1, 6 and 7).

/// Function by its code, the exception bit left out.
pub(super) const fn function(code: u8) -> Option<&'static str> {
    Some(match code & 0x7f {
        1 => "read_coils",
        2 => "read_discrete_inputs",
        3 => "read_holding_registers",
        4 => "read_input_registers",
        5 => "write_single_coil",
        6 => "write_single_register",
        7 => "read_exception_status",
        8 => "diagnostics",
        11 => "get_comm_event_counter",
        12 => "get_comm_event_log",
        15 => "write_multiple_coils",
        16 => "write_multiple_registers",
        17 => "report_server_id",
        20 => "read_file_record",
        21 => "write_file_record",
        22 => "mask_write_register",
        23 => "read_write_multiple_registers",
        24 => "read_fifo_queue",
        43 => "encapsulated_interface_transport",
        90 => "unity_umas",
        _ => return None,
    })
}

pub(super) const fn exception(code: u8) -> Option<&'static str> {
    Some(match code {
        1 => "illegal_function",
        2 => "illegal_data_address",
        3 => "illegal_data_value",
        4 => "server_device_failure",
        5 => "acknowledge",
        6 => "server_device_busy",
        7 => "negative_acknowledge",
        8 => "memory_parity_error",
        10 => "gateway_path_unavailable",
        11 => "gateway_target_device_failed_to_respond",
        _ => return None,
    })
}

/// True where the function changes coils, registers or files.
pub(super) const fn is_write(code: u8) -> bool {
    matches!(code & 0x7f, 5 | 6 | 15 | 16 | 21 | 22 | 23)
}
