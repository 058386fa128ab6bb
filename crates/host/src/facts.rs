use std::collections::BTreeMap;

/// What stages say about their outputs, for the stages after them:
/// `("layer:tokens", "space", "…")`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Facts(BTreeMap<(String, String), String>);

impl Facts {
    /// No facts.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// States a fact about `what`; a later one replaces an earlier one.
    pub fn insert(
        &mut self,
        what: impl Into<String>,
        key: impl Into<String>,
        value: impl Into<String>,
    ) {
        self.0.insert((what.into(), key.into()), value.into());
    }

    /// The fact `key` about `what`.
    #[must_use]
    pub fn lookup(&self, what: &str, key: &str) -> Option<&str> {
        self.0
            .get(&(what.to_owned(), key.to_owned()))
            .map(String::as_str)
    }

    /// All facts: what, key, value.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str, &str)> {
        self.0
            .iter()
            .map(|((what, key), value)| (what.as_str(), key.as_str(), value.as_str()))
    }
}
