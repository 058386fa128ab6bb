#![no_main]

use std::path::Path;

libfuzzer_sys::fuzz_target!(|text: &str| {
    // Whatever is wrong, it is told, and telling it does not fail.
    match copydesk_engine::config::parse(text, Path::new("pipeline.toml")) {
        Ok(pipeline) => drop(pipeline.problems().to_string()),
        Err(error) => drop(error.to_string()),
    }
});
