use copydesk_testkit as testkit;
use serde_json::json;

use crate::Sentiment;

#[test]
fn options_are_checked_before_anything_is_loaded() {
    let problems = testkit::stage!(Sentiment)
        .options(json!({ "targets": [{ "name": "" }], "neutral_band": 2.0 }))
        .create()
        .err()
        .unwrap_or_default();
    let text = format!("{problems:?}");
    assert!(text.contains("/targets/0/name"), "{text}");
    assert!(text.contains("/neutral_band"), "{text}");
}

#[test]
fn without_an_encoder_before_it_the_stage_says_what_is_missing() {
    let problems = testkit::stage!(Sentiment)
        .create()
        .err()
        .unwrap_or_default();
    let text = format!("{problems:?}");
    assert!(text.contains("encode"), "{text}");
}
