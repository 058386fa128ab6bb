use std::fmt;
use std::str::FromStr;

/// A name in the `requires` or `provides` of a stage.
///
/// `text` · `layer:NAME` · `attr:LAYER/NAME` · `meta:NAME`, in `requires` with
/// `?` behind where the stage can do without.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ContractName {
    /// What is meant.
    pub subject: Subject,
    /// Shown if an earlier stage provides it, no error if none does.
    pub optional: bool,
}

/// What a stage may read or write.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Subject {
    /// The text: a stage that provides it may edit it.
    Text,
    /// A layer of spans.
    Layer(String),
    /// An attribute on a layer of another stage.
    Attr {
        /// The layer.
        layer: String,
        /// The attribute.
        name: String,
    },
    /// A key of the metadata.
    Meta(String),
}

/// Why a contract name cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ContractNameError {
    /// It begins with none of the known words.
    #[error(
        "`{0}` is no contract name: expected `text`, `layer:NAME`, `attr:LAYER/NAME` or `meta:NAME`"
    )]
    Unknown(String),
    /// A name is missing, or has characters that names do not have.
    #[error("`{0}` has a bad name: letters, digits, `-`, `_` and `.` are allowed")]
    BadName(String),
}

impl ContractName {
    /// The layer that it names, also for an attribute.
    #[must_use]
    pub fn layer(&self) -> Option<&str> {
        match &self.subject {
            Subject::Layer(layer) | Subject::Attr { layer, .. } => Some(layer),
            Subject::Text | Subject::Meta(_) => None,
        }
    }
}

impl FromStr for ContractName {
    type Err = ContractNameError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (name, optional) = match text.strip_suffix('?') {
            Some(name) => (name, true),
            None => (text, false),
        };
        let checked = |name: &str| {
            let good = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.');
            if !name.is_empty() && name.chars().all(good) {
                Ok(name.to_owned())
            } else {
                Err(ContractNameError::BadName(text.to_owned()))
            }
        };
        let subject = match name.split_once(':') {
            None if name == "text" => Subject::Text,
            Some(("layer", layer)) => Subject::Layer(checked(layer)?),
            Some(("meta", key)) => Subject::Meta(checked(key)?),
            Some(("attr", attr)) => {
                let (layer, name) = attr
                    .split_once('/')
                    .ok_or_else(|| ContractNameError::BadName(text.to_owned()))?;
                Subject::Attr {
                    layer: checked(layer)?,
                    name: checked(name)?,
                }
            }
            _ => return Err(ContractNameError::Unknown(text.to_owned())),
        };
        Ok(Self { subject, optional })
    }
}

impl fmt::Display for ContractName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.subject {
            Subject::Text => write!(f, "text")?,
            Subject::Layer(name) => write!(f, "layer:{name}")?,
            Subject::Attr { layer, name } => write!(f, "attr:{layer}/{name}")?,
            Subject::Meta(name) => write!(f, "meta:{name}")?,
        }
        if self.optional {
            write!(f, "?")?;
        }
        Ok(())
    }
}

/// What one stage may read and write; the host makes it from what the stage
/// declares, narrowed to its options.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Contract {
    /// Name of the stage in the pipeline, written beside each of its spans.
    pub stage: String,
    /// What it reads; spans can link to these layers.
    pub requires: Vec<ContractName>,
    /// Layers that it writes.
    pub layers: Vec<OutLayer>,
    /// Attributes (layer, name) that it writes on layers of others. On its own
    /// layers it may write any.
    pub attrs: Vec<(String, String)>,
    /// Keys of the metadata that it writes.
    pub meta: Vec<String>,
    /// Whether it may edit the text.
    pub edits_text: bool,
}

impl Contract {
    /// A contract from what a stage declares: its outputs are neither
    /// transient nor raw and stored under their own names.
    ///
    /// # Errors
    /// If one of the names cannot be read.
    pub fn parse<S: AsRef<str>>(
        stage: &str,
        requires: &[S],
        provides: &[S],
    ) -> Result<Self, ContractNameError> {
        let mut contract = Self {
            stage: stage.to_owned(),
            ..Self::default()
        };
        for name in requires {
            contract.requires.push(name.as_ref().parse()?);
        }
        for name in provides {
            let name: ContractName = name.as_ref().parse()?;
            match name.subject {
                Subject::Text => contract.edits_text = true,
                Subject::Layer(name) => contract.layers.push(OutLayer {
                    stored_as: name.clone(),
                    name,
                    transient: false,
                    raw: false,
                }),
                Subject::Attr { layer, name } => contract.attrs.push((layer, name)),
                Subject::Meta(key) => contract.meta.push(key),
            }
        }
        Ok(contract)
    }
}

/// A layer that a stage writes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutLayer {
    /// As the stage calls it.
    pub name: String,
    /// Its name in the batch; another than `name` where the pipeline says `into`.
    pub stored_as: String,
    /// Freed after its last reader, never written to the output.
    pub transient: bool,
    /// Offsets count in `raw`.
    pub raw: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contract_names_read_back_as_they_were_written() {
        for name in [
            "text",
            "layer:tokens",
            "layer:blocks?",
            "attr:entities/name",
            "meta:title",
        ] {
            assert_eq!(name.parse::<ContractName>().unwrap().to_string(), name);
        }
    }

    #[test]
    fn bad_contract_names_say_what_was_expected() {
        for (name, part) in [
            ("layers:tokens", "expected `text`"),
            ("layer:", "bad name"),
            ("attr:entities", "bad name"),
            ("layer:a b", "bad name"),
        ] {
            let error = name.parse::<ContractName>().unwrap_err().to_string();
            assert!(error.contains(part) && error.contains(name), "{error}");
        }
    }

    #[test]
    fn provided_names_become_what_may_be_written() {
        let contract = Contract::parse(
            "resolve",
            &["layer:entities", "layer:tokens?"],
            &["layer:mentions", "attr:entities/name", "meta:tone", "text"],
        )
        .unwrap();
        assert_eq!(contract.layers[0].stored_as, "mentions");
        assert_eq!(contract.attrs, [("entities".into(), "name".into())]);
        assert_eq!(contract.meta, ["tone"]);
        assert!(contract.edits_text && contract.requires[1].optional);
    }
}
