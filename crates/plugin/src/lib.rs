//! What authors of copydesk plugins depend on.
//!
//! A plugin is a shared library with one or more *stages*. A [`Stage`] is made
//! from its options, loads its weights once, and opens [`Worker`]s, which read
//! documents through borrowed views ([`Docs`], [`Doc`], [`Spans`]) and write
//! through [`Out`]. A whole plugin:
//!
//! ```
//! use copydesk_plugin::{Diagnostics, Doc, Host, Out, Stage, StageError, Worker, stage};
//! use schemars::JsonSchema;
//! use serde::Deserialize;
//!
//! #[derive(Deserialize, JsonSchema)]
//! #[serde(deny_unknown_fields, default)]
//! struct Config {
//!     /// Shortest word that counts, in letters.
//!     min_letters: usize,
//! }
//!
//! impl Default for Config {
//!     fn default() -> Self {
//!         Self { min_letters: 2 }
//!     }
//! }
//!
//! struct Caps {
//!     min_letters: usize,
//! }
//!
//! #[stage(
//!     id = "example/caps",
//!     summary = "Words in capital letters",
//!     provides = ["layer:caps"],
//! )]
//! impl Stage for Caps {
//!     type Config = Config;
//!     type Worker = CapsWorker;
//!
//!     fn create(config: Config, _: &Host<'_>) -> Result<Self, Diagnostics> {
//!         if config.min_letters == 0 {
//!             return Err(Diagnostics::one("/min_letters", "must be at least 1"));
//!         }
//!         Ok(Self { min_letters: config.min_letters })
//!     }
//!
//!     fn worker(&self, _: u32, _: &Host<'_>) -> Result<CapsWorker, StageError> {
//!         Ok(CapsWorker { min_letters: self.min_letters })
//!     }
//! }
//!
//! struct CapsWorker {
//!     min_letters: usize,
//! }
//!
//! impl Worker for CapsWorker {
//!     fn document(&mut self, doc: Doc<'_>, out: &mut Out<'_>) -> Result<(), StageError> {
//!         let caps = out.layer("caps")?;
//!         let label = out.label(caps, "CAPS")?;
//!         let text = doc.text();
//!         for word in text.split_whitespace() {
//!             let start = word.as_ptr() as usize - text.as_ptr() as usize;
//!             if word.len() >= self.min_letters && word.chars().all(char::is_uppercase) {
//!                 out.span(&doc, caps, start..start + word.len(), Some(label), None)?;
//!             }
//!         }
//!         Ok(())
//!     }
//! }
//!
//! copydesk_plugin::export!(Caps);
//! # fn main() {}
//! ```
//!
//! # Panics and logs
//!
//! A panic in any of these functions costs the call, not the run: it is caught
//! in this library, the host is told message and place, and the worker is
//! dropped. Nothing is written to stderr. Events of the `tracing` crate go to
//! the host's log under the stage's name; its spans do not cross.
//!
//! # Threads
//!
//! `create` and `load` run alone. Workers run side by side, each for one call
//! at a time, not always on the same thread. A stage that starts threads of its
//! own stays within [`Host::thread_budget`].

#[cfg(panic = "abort")]
compile_error!(
    "copydesk plugins need `panic = \"unwind\"`: with \"abort\", one bad document would end the \
     whole run. Remove `panic = \"abort\"` from the profile."
);

mod call;
mod error;
mod glue;
mod host;
mod out;
mod schema;
mod section;
mod view;

pub use copydesk_abi as abi;
pub use copydesk_plugin_macros::stage;
use schemars::JsonSchema;
use serde::Deserialize;
use serde::de::DeserializeOwned;

pub use crate::error::{Diagnostic, Diagnostics, StageError};
pub use crate::glue::stage_api;
pub use crate::host::Host;
pub use crate::out::{AttrValue, Edit, LabelId, LayerId, LinkOut, Out, SpanOut};
pub use crate::view::{Doc, Docs, DocsIter, Link, Span, Spans, SpansIter, Vectors};

/// One kind of stage. The attribute [`stage`](macro@stage) on the `impl` gives
/// it its id and says what it reads and writes.
pub trait Stage: Sized + Send + Sync + 'static {
    /// The options, as in `[stage.options]` of the pipeline file.
    type Config: StageConfig;
    /// What does the work; one a thread.
    type Worker: Worker;

    /// Makes the stage from its options. Reads `model.toml` where it has a
    /// model, but no weights: checking a pipeline stops here, and is quick.
    ///
    /// # Errors
    /// All mistakes in the options, each with its JSON pointer.
    fn create(config: Self::Config, host: &Host<'_>) -> Result<Self, Diagnostics>;

    /// Loads weights; called once, before the first worker.
    ///
    /// # Errors
    /// If they cannot be loaded.
    fn load(&mut self, host: &Host<'_>) -> Result<(), StageError> {
        let _ = host;
        Ok(())
    }

    /// Opens worker `index` with scratch of its own. Weights are shared: put
    /// them in an `Arc`.
    ///
    /// # Errors
    /// If it cannot be opened.
    fn worker(&self, index: u32, host: &Host<'_>) -> Result<Self::Worker, StageError>;
}

/// What does a stage's work, one call at a time. Implement
/// [`document`](Self::document); or [`process`](Self::process) to see all
/// documents of a call at once.
///
/// The result for a document must not depend on the others of the call: the
/// host cuts and joins batches as it sees fit.
pub trait Worker: Send + 'static {
    /// Works on the documents of one call. If it fails, nothing of the call
    /// counts, and the host looks for the guilty document.
    ///
    /// # Errors
    /// If the call cannot be done.
    fn process(&mut self, docs: Docs<'_>, out: &mut Out<'_>) -> Result<(), StageError> {
        for doc in docs {
            out.blame(Some(&doc));
            self.document(doc, out)?;
        }
        out.blame(None);
        Ok(())
    }

    /// Works on one document.
    ///
    /// # Errors
    /// If the document cannot be done.
    fn document(&mut self, doc: Doc<'_>, out: &mut Out<'_>) -> Result<(), StageError>;
}

/// Options of a stage: any type that serde can read and schemars can describe.
///
/// Give it `#[serde(deny_unknown_fields, default)]` and a doc comment on each
/// field: the comments are the user's reference. The schema that the plugin
/// carries is closed in any case, except for objects that `#[serde(flatten)]`
/// puts together.
pub trait StageConfig: DeserializeOwned + JsonSchema {}
impl<T: DeserializeOwned + JsonSchema> StageConfig for T {}

/// The options of a stage that has none.
#[derive(Debug, Default, Clone, Copy, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NoOptions {}

/// What the attribute [`stage`](macro@stage) says of a stage. Not written by hand.
pub trait StageInfo {
    /// `owner/name`.
    const ID: &'static str;
    /// One line for users.
    const SUMMARY: &'static str;
    /// Contract names that it may read.
    const REQUIRES: &'static [&'static str];
    /// Contract names that it may write.
    const PROVIDES: &'static [&'static str];
    /// Layers that are never written to the output.
    const TRANSIENT: &'static [&'static str];
    /// Layers that count in the raw text.
    const RAW: &'static [&'static str];
    /// All of this as members of a JSON object.
    #[doc(hidden)]
    const JSON: &'static str;
}

/// Makes the library a plugin with these stages: writes its only exported
/// symbol and its metadata section. Once, in the cdylib itself: two libraries
/// with this symbol in one program would collide.
#[macro_export]
macro_rules! export {
    ($first:ty $(, $rest:ty)* $(,)?) => {
        #[allow(unsafe_code)]
        const _: () = {
            const PARTS: &[&str] = &[
                "{\"copydesk\":1,\"abi\":", $crate::__private::ABI_JSON,
                ",\"package\":\"", env!("CARGO_PKG_NAME"),
                "\",\"version\":\"", env!("CARGO_PKG_VERSION"),
                "\",\"stages\":[",
                "{", <$first as $crate::StageInfo>::JSON,
                ",\"version\":\"", env!("CARGO_PKG_VERSION"), "\"}",
                $(
                    ",{", <$rest as $crate::StageInfo>::JSON,
                    ",\"version\":\"", env!("CARGO_PKG_VERSION"), "\"}",
                )*
                "]}",
            ];

            #[used]
            #[cfg_attr(target_vendor = "apple", unsafe(link_section = "__DATA,__copydesk"))]
            #[cfg_attr(not(target_vendor = "apple"), unsafe(link_section = ".copydesk.meta"))]
            static META: [u8; $crate::__private::len(PARTS)] = $crate::__private::join(PARTS);

            // SAFETY: the name is this ABI's own, and a program opens each
            // plugin library by itself.
            #[unsafe(no_mangle)]
            extern "C" fn copydesk_module_v1(
                host_major: u16,
                host_minor: u16,
            ) -> *const $crate::abi::Module {
                $crate::__private::module(
                    (host_major, host_minor),
                    env!("CARGO_PKG_VERSION"),
                    &META,
                    &[
                        $crate::__private::table::<$first>,
                        $($crate::__private::table::<$rest>,)*
                    ],
                )
            }
        };
    };
}

/// The guide's example compiles.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/plugins.md")]
struct Guide;

/// For [`export!`] only.
#[doc(hidden)]
pub mod __private {
    pub use crate::glue::{module, table};
    pub use crate::section::{ABI_JSON, join, len};
}
