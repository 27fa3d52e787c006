//! What libFuzzer's targets hold, over their seeds and over every input that ever failed
//! (`engine-rs/fuzz/seeds` and `engine-rs/fuzz/regressions`, a directory a target).
#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::Path;

#[path = "../../fuzz/src/properties.rs"]
mod properties;

fn over_kept_inputs(target: &str, property: fn(&[u8])) {
    let fuzz = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz");
    let mut inputs = 0;
    for kept in ["seeds", "regressions"] {
        let Ok(files) = fs::read_dir(fuzz.join(kept).join(target)) else {
            continue;
        };
        for file in files {
            property(&fs::read(file.unwrap().path()).unwrap());
            inputs += 1;
        }
    }
    assert!(inputs > 0, "no seeds of {target}");
}

#[test]
fn records_decode_to_what_they_were_made_of() {
    over_kept_inputs("decode_commands", properties::decode_commands);
}

#[test]
fn events_decode_to_what_they_were_made_of() {
    over_kept_inputs("decode_event", properties::decode_event);
}

#[test]
fn a_restored_book_goes_on() {
    over_kept_inputs("restore", properties::restore);
}

#[test]
fn command_sequences_keep_the_invariants() {
    over_kept_inputs("commands", properties::commands);
}
