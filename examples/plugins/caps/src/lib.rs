//! An example of a plugin: the stage `example/caps` finds words in capital letters.

use copydesk_plugin::{Diagnostics, Doc, Host, Out, Stage, StageError, Worker, stage};
use schemars::JsonSchema;
use serde::Deserialize;

/// Options of the stage. Comments on the fields are the user's reference.
#[derive(Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
struct Config {
    /// Shortest word that counts, in letters.
    min_letters: usize,
}

impl Default for Config {
    fn default() -> Self {
        Self { min_letters: 2 }
    }
}

struct Caps(Config);

#[stage(
    id = "example/caps",
    summary = "Words in capital letters",
    provides = ["layer:caps"],
)]
impl Stage for Caps {
    type Config = Config;
    type Worker = CapsWorker;

    fn create(config: Config, _: &Host<'_>) -> Result<Self, Diagnostics> {
        if config.min_letters == 0 {
            return Err(Diagnostics::one("/min_letters", "must be at least 1"));
        }
        Ok(Self(config))
    }

    fn worker(&self, _: u32, _: &Host<'_>) -> Result<CapsWorker, StageError> {
        Ok(CapsWorker(self.0.clone()))
    }
}

struct CapsWorker(Config);

impl Worker for CapsWorker {
    fn document(&mut self, doc: Doc<'_>, out: &mut Out<'_>) -> Result<(), StageError> {
        let caps = out.layer("caps")?;
        let label = out.label(caps, "CAPS")?;
        let mut start = 0;
        for piece in doc.text().split_inclusive(|c: char| !c.is_alphabetic()) {
            let word = piece.trim_end_matches(|c: char| !c.is_alphabetic());
            let letters = word.chars().count();
            if letters >= self.0.min_letters && word.chars().all(char::is_uppercase) {
                out.span(&doc, caps, start..start + word.len(), Some(label), None)?;
            }
            start += piece.len();
        }
        Ok(())
    }
}

copydesk_plugin::export!(Caps);

#[cfg(test)]
mod tests {
    use copydesk_testkit::{Pipeline, stage};
    use serde_json::json;

    use super::Caps;

    #[test]
    fn words_in_capitals_are_found() {
        stage!(Caps)
            .text("NATO said no to the ÅBO plan, OK?")
            .expect(
                "caps",
                &[(0..4, "CAPS"), (20..24, "CAPS"), (31..33, "CAPS")],
            );
    }

    #[test]
    fn short_words_can_be_left_out() {
        stage!(Caps)
            .options(json!({ "min_letters": 3 }))
            .text("NATO said OK.")
            .expect_texts("caps", &[("NATO", "CAPS")]);
    }

    #[test]
    fn a_minimum_of_nothing_is_refused() {
        let test = stage!(Caps).options(json!({ "min_letters": 0 }));
        assert_eq!(test.create().unwrap_err()[0].pointer, "/min_letters");
    }

    #[test]
    fn the_shared_library_does_the_same() {
        Pipeline::new()
            .stage("copydesk-example-caps", "example/caps", json!({}))
            .run("NATO said no.")
            .expect_texts("caps", &[("NATO", "CAPS")]);
    }
}
