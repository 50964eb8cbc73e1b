#![no_main]

libfuzzer_sys::fuzz_target!(|text: &str| rollcall::sql::fuzz::statements(text));
