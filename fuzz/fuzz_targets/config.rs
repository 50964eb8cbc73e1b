#![no_main]

use std::path::Path;

// A file that cannot be read is one more error: what matters is that each one can be shown.
libfuzzer_sys::fuzz_target!(|text: &str| {
    if let Err(error) = parsers::config::Config::parse(text, "fuzz.toml", Path::new("/nowhere")) {
        let _ = error.to_string();
    }
});
