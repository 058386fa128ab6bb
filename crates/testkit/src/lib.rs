//! Tests of stages, through the same C tables and the same checks that a run
//! uses.
//!
//! Inside a plugin, where the stage is linked statically:
//!
//! ```ignore
//! #[test]
//! fn words_in_capitals_are_found() {
//!     testkit::stage!(Caps)
//!         .options(json!({ "min_letters": 3 }))
//!         .text("NATO said no, OK?")
//!         .expect("caps", &[(0..4, "CAPS")]);
//! }
//! ```
//!
//! Layers that the stage reads are written by hand with [`Given`], or by
//! earlier stages, which [`Pipeline`] builds with cargo and loads as shared
//! libraries:
//!
//! ```ignore
//! let run = Pipeline::new()
//!     .plugin("cleanup", json!({}))
//!     .plugin("encode", json!({ "model": "models/desk-small" }))
//!     .run("Ada Lund met the ferrymen.");
//! ```
//!
//! Failed expectations panic with what was there and what was expected, one
//! span a line.

mod build;
mod given;
mod pipeline;
mod run;
mod stage;

pub use build::{built_plugin, workspace_root};
pub use copydesk_document as document;
pub use copydesk_host as host;
pub use given::Given;
pub use pipeline::Pipeline;
pub use run::{Run, SpanOf};
pub use stage::StageTest;

/// A test of a stage of this very crate; see [`StageTest`].
#[macro_export]
macro_rules! stage {
    ($stage:ty) => {
        $crate::StageTest::new(::copydesk_plugin::stage_api::<$stage>(env!(
            "CARGO_PKG_VERSION"
        )))
    };
}
