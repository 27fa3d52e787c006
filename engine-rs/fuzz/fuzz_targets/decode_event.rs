#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| outcry_fuzz::properties::decode_event(data));
