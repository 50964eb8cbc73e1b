#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| parsers::rest::http(bytes));
