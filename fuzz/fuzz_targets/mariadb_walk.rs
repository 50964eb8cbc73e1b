#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| parsers::proxy::mariadb::fuzz::walk(bytes));
