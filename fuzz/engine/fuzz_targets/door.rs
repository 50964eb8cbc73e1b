#![no_main]

use std::sync::LazyLock;

use rollcall::sql::fuzz::House;

static HOUSE: LazyLock<House> = LazyLock::new(House::open);

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| HOUSE.client(bytes));
