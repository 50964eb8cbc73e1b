#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| rollcall::sql::fuzz::parameter(bytes));
