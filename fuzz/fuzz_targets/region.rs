#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| tower_genesys_fuzz::region::check(data));
