#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| tower_genesys_fuzz::token_response::check(data));
