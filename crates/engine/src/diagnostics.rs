//! Messages about a pipeline file: what is wrong, where it stands, what would help.

use std::fmt;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use annotate_snippets::renderer::DecorStyle;
use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};

/// The text of a pipeline file and the name that messages give it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceFile {
    /// The path as the user wrote it.
    pub path: PathBuf,
    /// The whole text.
    pub text: String,
}

/// Whether a message stops the pipeline.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// The pipeline runs all the same.
    Warning,
    /// The pipeline cannot run.
    Error,
}

/// One message, with the place in the file that it is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// Whether the pipeline can run in spite of it.
    pub severity: Severity,
    /// What is wrong: lower-case, no full stop, code in backticks.
    pub message: String,
    /// Bytes of the file; `None` where the file has no such place.
    pub place: Option<Range<usize>>,
    /// What stands under the caret.
    pub label: Option<String>,
    /// Other places that explain the message, each with its label.
    pub related: Vec<(Range<usize>, String)>,
    /// What else there is to know.
    pub notes: Vec<String>,
    /// What the user can do.
    pub hints: Vec<String>,
}

impl Diagnostic {
    /// A message that stops the pipeline.
    pub fn error(message: impl Into<String>) -> Self {
        Self::new(Severity::Error, message.into())
    }

    /// A message that does not stop the pipeline.
    pub fn warning(message: impl Into<String>) -> Self {
        Self::new(Severity::Warning, message.into())
    }

    fn new(severity: Severity, message: String) -> Self {
        Self {
            severity,
            message,
            place: None,
            label: None,
            related: Vec::new(),
            notes: Vec::new(),
            hints: Vec::new(),
        }
    }

    /// Sets the bytes of the file that the message is about.
    #[must_use]
    pub fn at(mut self, place: Option<Range<usize>>) -> Self {
        self.place = place;
        self
    }

    /// Sets the words under the caret.
    #[must_use]
    pub fn label(mut self, label: impl Into<String>) -> Self {
        self.label = Some(label.into());
        self
    }

    /// Adds a second place.
    #[must_use]
    pub fn related(mut self, place: Option<Range<usize>>, label: impl Into<String>) -> Self {
        self.related
            .extend(place.map(|place| (place, label.into())));
        self
    }

    /// Adds a note.
    #[must_use]
    pub fn note(mut self, note: impl Into<String>) -> Self {
        self.notes.push(note.into());
        self
    }

    /// Adds a hint.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }

    /// Adds a hint if there is one.
    #[must_use]
    pub fn hint_if(mut self, hint: Option<String>) -> Self {
        self.hints.extend(hint);
        self
    }
}

/// Every message about one pipeline file, in the order of their places.
///
/// `Display` gives the plain rendering; [`Diagnostics::render`] can colour it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostics {
    file: Arc<SourceFile>,
    list: Vec<Diagnostic>,
}

impl Diagnostics {
    /// No message yet, about this file.
    pub fn new(file: Arc<SourceFile>) -> Self {
        Self {
            file,
            list: Vec::new(),
        }
    }

    /// Adds a message.
    pub fn push(&mut self, diagnostic: Diagnostic) {
        self.list.push(diagnostic);
    }

    /// The messages, in the order of their places in the file.
    pub fn iter(&self) -> impl Iterator<Item = &Diagnostic> {
        let mut sorted: Vec<&Diagnostic> = self.list.iter().collect();
        sorted.sort_by_key(|diagnostic| {
            diagnostic
                .place
                .as_ref()
                .map_or(usize::MAX, |place| place.start)
        });
        sorted.into_iter()
    }

    /// How many messages there are.
    pub fn len(&self) -> usize {
        self.list.len()
    }

    /// Whether there is no message.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// How many of the messages stop the pipeline.
    pub fn errors(&self) -> usize {
        self.list
            .iter()
            .filter(|diagnostic| diagnostic.severity == Severity::Error)
            .count()
    }

    /// The file that the messages are about.
    pub fn path(&self) -> &Path {
        &self.file.path
    }

    /// The messages as text, each with its line and caret, a blank line between two.
    pub fn render(&self, look: Look) -> String {
        let renderer = match look {
            Look::Plain => Renderer::plain(),
            Look::Colour => Renderer::styled().decor_style(DecorStyle::Unicode),
        };
        let parts: Vec<String> = self
            .iter()
            .map(|diagnostic| self.render_one(&renderer, diagnostic))
            .collect();
        parts.join("\n\n")
    }

    fn render_one(&self, renderer: &Renderer, diagnostic: &Diagnostic) -> String {
        let level = match diagnostic.severity {
            Severity::Error => Level::ERROR,
            Severity::Warning => Level::WARNING,
        };
        let path = self.file.path.display().to_string();
        let mut group: Group<'_> =
            Group::with_title(level.primary_title(diagnostic.message.as_str()));
        if let Some(place) = &diagnostic.place {
            let mut snippet = Snippet::source(self.file.text.as_str())
                .path(path)
                .annotation(
                    AnnotationKind::Primary
                        .span(self.visible(place))
                        .label(diagnostic.label.as_deref()),
                );
            for (place, label) in &diagnostic.related {
                snippet = snippet.annotation(
                    AnnotationKind::Context
                        .span(self.visible(place))
                        .label(label.as_str()),
                );
            }
            group = group.element(snippet);
        } else {
            group = group.element(Level::NOTE.no_name().message(format!("in {path}")));
        }
        for note in &diagnostic.notes {
            group = group.element(Level::NOTE.message(note.as_str()));
        }
        for hint in &diagnostic.hints {
            group = group.element(Level::HELP.with_name("hint").message(hint.as_str()));
        }
        renderer.render(&[group])
    }

    /// Keeps a place inside the text and on character boundaries: a caret in the wrong
    /// column is a nuisance, a panic while an error is being told is worse.
    fn visible(&self, place: &Range<usize>) -> Range<usize> {
        let text = &self.file.text;
        let mut start = place.start.min(text.len());
        while !text.is_char_boundary(start) {
            start -= 1;
        }
        let mut end = place.end.clamp(start, text.len());
        while !text.is_char_boundary(end) {
            end += 1;
        }
        // A value over many lines is shown by its first.
        if let Some(newline) = text[start..end].find('\n') {
            end = start + text[start..start + newline].trim_end().len();
        }
        start..end
    }
}

/// How messages are drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Look {
    /// ASCII without escape codes.
    Plain,
    /// Box characters and ANSI colours, for a terminal.
    Colour,
}

impl fmt::Display for Diagnostics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.render(Look::Plain))
    }
}

impl std::error::Error for Diagnostics {}

/// The known name that a mistyped one most likely means, if any is near.
///
/// Damerau-Levenshtein distance of at most a third of the longer name's characters.
pub fn did_you_mean<'a>(typed: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let folded = typed.to_lowercase().replace('-', "_");
    known
        .into_iter()
        .filter_map(|name| {
            let other = name.to_lowercase().replace('-', "_");
            let distance = strsim::damerau_levenshtein(&folded, &other);
            let length = folded.chars().count().max(other.chars().count());
            (distance * 3 <= length).then_some((distance, name))
        })
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name)
}

/// `a`, `b` or `c`, each in backticks.
pub(crate) fn listed<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    let names: Vec<String> = names.into_iter().map(|name| format!("`{name}`")).collect();
    match names.split_last() {
        None => String::new(),
        Some((only, [])) => only.clone(),
        Some((last, rest)) => format!("{} or {last}", rest.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_near_name_is_suggested_and_a_far_one_is_not() {
        let known = ["workers", "timeout_secs", "name"];
        assert_eq!(did_you_mean("worker", known), Some("workers"));
        assert_eq!(did_you_mean("timeout-secs", known), Some("timeout_secs"));
        assert_eq!(did_you_mean("Name", known), Some("name"));
        assert_eq!(did_you_mean("colour", known), None);
    }

    #[test]
    fn a_place_outside_the_text_or_inside_a_character_does_not_panic() {
        let file = Arc::new(SourceFile {
            path: "p.toml".into(),
            text: "a = \"é\"\n".into(),
        });
        for start in 0..12 {
            for end in 0..12 {
                let mut diagnostics = Diagnostics::new(Arc::clone(&file));
                diagnostics.push(Diagnostic::error("bad").at(Some(start..end)).label("here"));
                assert!(diagnostics.to_string().contains("p.toml"));
            }
        }
    }
}
