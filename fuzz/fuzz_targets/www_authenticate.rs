#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| tower_genesys_fuzz::www_authenticate::check(data));
