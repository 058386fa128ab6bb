//! Which stage reads and writes what, and whether that goes together.

use std::collections::HashMap;
use std::fmt;
use std::ops::Range;

use copydesk_document::{Contract, ContractName, REMOVED, Subject};

use crate::diagnostics::{Diagnostic, did_you_mean};

/// Layers that the output leaves out unless `[output] include` names them.
pub const LEFT_OUT: [&str; 4] = ["blocks", "mentions", "sentences", "tokens"];

/// The stages of a pipeline with what they read and write. `Display` draws it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Graph {
    /// In their order.
    pub stages: Vec<GraphStage>,
}

/// A stage in a [`Graph`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GraphStage {
    /// Its name in the pipeline.
    pub name: String,
    /// Its plugin and version.
    pub plugin: String,
    /// What it reads, as contract names; `?` behind those that no stage before it provides and
    /// that it can do without.
    pub reads: Vec<String>,
    /// What it writes, as contract names; layers as they are stored.
    pub writes: Vec<String>,
    /// Layers that are freed when this stage is done with a batch.
    pub frees: Vec<String>,
    /// Whether it runs in worker processes.
    pub isolated: bool,
}

impl fmt::Display for Graph {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list = |names: &[String]| {
            if names.is_empty() {
                "nothing".to_owned()
            } else {
                names.join(", ")
            }
        };
        for (index, stage) in self.stages.iter().enumerate() {
            if index > 0 {
                writeln!(f)?;
            }
            let place = if stage.isolated {
                ", in worker processes"
            } else {
                ""
            };
            writeln!(f, "{} ({}{place})", stage.name, stage.plugin)?;
            writeln!(f, "  reads   {}", list(&stage.reads))?;
            write!(f, "  writes  {}", list(&stage.writes))?;
            if !stage.frees.is_empty() {
                write!(f, "\n  frees   {}", list(&stage.frees))?;
            }
        }
        Ok(())
    }
}

/// A stage as the check sees it.
pub(crate) struct Node {
    pub(crate) name: String,
    pub(crate) plugin: String,
    /// `None` where nothing is known of it: its plugin was not found.
    pub(crate) contract: Option<Contract>,
    /// Where the file says `use`.
    pub(crate) place: Option<Range<usize>>,
}

/// What `[output] include` names, each with its place.
pub(crate) type Included = Vec<(String, Option<Range<usize>>)>;

/// Holds what each stage requires against what those before it provide.
///
/// `providers` names stages, known or not used here, that provide a contract name.
pub(crate) fn check(
    nodes: &[Node],
    included: &Included,
    providers: &dyn Fn(&str) -> Vec<String>,
) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for index in 0..nodes.len() {
        requires(nodes, index, providers, &mut found);
        writers(nodes, index, &mut found);
        edits(nodes, index, &mut found);
    }
    include(nodes, included, &mut found);
    unused(nodes, included, &mut found);
    found
}

/// What the stages read and write, and after which stage a transient layer has no reader left.
pub(crate) fn graph(nodes: &[Node]) -> Graph {
    let mut graph = Graph::default();
    for (index, node) in nodes.iter().enumerate() {
        let Some(contract) = &node.contract else {
            continue;
        };
        let reads = contract
            .requires
            .iter()
            .map(|name| {
                let mut shown = name.clone();
                // A need that is met is shown as a plain one.
                shown.optional = name.optional && !nodes[..index].iter().any(|n| writes(n, name));
                shown.to_string()
            })
            .collect();
        let mut writes = Vec::new();
        if contract.edits_text {
            writes.push("text".to_owned());
        }
        for layer in &contract.layers {
            let transient = if layer.transient { " (transient)" } else { "" };
            writes.push(format!("layer:{}{transient}", layer.stored_as));
        }
        writes.extend(
            contract
                .attrs
                .iter()
                .map(|(layer, name)| format!("attr:{layer}/{name}")),
        );
        writes.extend(contract.meta.iter().map(|key| format!("meta:{key}")));
        graph.stages.push(GraphStage {
            name: node.name.clone(),
            plugin: node.plugin.clone(),
            reads,
            writes,
            frees: frees(nodes, index),
            isolated: false,
        });
    }
    graph
}

/// Transient layers that are there after stage `index` and that nobody reads later.
fn frees(nodes: &[Node], index: usize) -> Vec<String> {
    let mut free = Vec::new();
    for (at, node) in nodes.iter().enumerate().take(index + 1) {
        for layer in node.contract.iter().flat_map(|contract| &contract.layers) {
            let name = &layer.stored_as;
            let last = (at + 1..nodes.len())
                .rev()
                .find(|&later| reads_layer(&nodes[later], name))
                .unwrap_or(at);
            if layer.transient && last == index {
                free.push(name.clone());
            }
        }
    }
    free
}

/// Whether the stage writes what the name means.
fn writes(node: &Node, name: &ContractName) -> bool {
    match &name.subject {
        Subject::Text => true,
        Subject::Layer(layer) | Subject::Attr { layer, .. } => writes_layer(node, layer),
        Subject::Meta(key) => node
            .contract
            .iter()
            .any(|contract| contract.meta.contains(key)),
    }
}

/// Whether the stage reads the layer, or attributes of it.
pub(crate) fn reads_layer(node: &Node, layer: &str) -> bool {
    node.contract.iter().any(|contract| {
        contract
            .requires
            .iter()
            .any(|name| name.layer() == Some(layer))
            || contract.attrs.iter().any(|(of, _)| of == layer)
    })
}

fn writes_layer(node: &Node, layer: &str) -> bool {
    node.contract.iter().any(|contract| {
        contract.layers.iter().any(|out| out.stored_as == layer)
            || (layer == REMOVED && contract.edits_text)
    })
}

fn writer<'a>(nodes: &'a [Node], layer: &str) -> Option<&'a Node> {
    nodes.iter().find(|node| writes_layer(node, layer))
}

fn requires(
    nodes: &[Node],
    index: usize,
    providers: &dyn Fn(&str) -> Vec<String>,
    found: &mut Vec<Diagnostic>,
) {
    let node = &nodes[index];
    let Some(contract) = &node.contract else {
        return;
    };
    let (before, after) = (&nodes[..index], &nodes[index + 1..]);
    let own = |layer: &str| contract.layers.iter().any(|out| out.name == layer);
    // An attribute on a layer of others needs that layer, said or not.
    let written = contract
        .attrs
        .iter()
        .filter(|(layer, _)| !own(layer))
        .map(|(layer, _)| (layer.as_str(), false));
    let mut wanted: Vec<(&str, bool)> = contract
        .requires
        .iter()
        .filter_map(|name| Some((name.layer()?, name.optional)))
        .collect();
    for (layer, optional) in written {
        if !wanted.iter().any(|(name, _)| *name == layer) {
            wanted.push((layer, optional));
        }
    }
    for (layer, optional) in wanted {
        if writer(before, layer).is_some() {
            continue;
        }
        if let Some(later) = writer(after, layer) {
            let message = format!(
                "stage `{}` {} layer `{layer}`, which stage `{}` writes only after it",
                node.name,
                if optional { "can use" } else { "needs" },
                later.name
            );
            let diagnostic = if optional {
                Diagnostic::warning(message)
            } else {
                Diagnostic::error(message)
            };
            found.push(
                diagnostic
                    .at(node.place.clone())
                    .label(format!("reads `{layer}`"))
                    .related(later.place.clone(), format!("writes `{layer}`"))
                    .hint(format!("move `{}` before `{}`", later.name, node.name)),
            );
        } else if !optional && before.iter().all(|node| node.contract.is_some()) {
            // A stage that could not be looked up may be the one that provides it.
            found.push(
                Diagnostic::error(format!(
                    "stage `{}` needs layer `{layer}`, which no stage before it writes",
                    node.name
                ))
                .at(node.place.clone())
                .label(format!("reads `{layer}`"))
                .hint_if(remedy(before, layer, providers)),
            );
        }
    }
    for name in &contract.requires {
        let Subject::Attr { layer, name: attr } = &name.subject else {
            continue;
        };
        let told = writer(before, layer).is_none();
        let writes = |node: &Node| {
            node.contract.iter().any(|contract| {
                // On its own layer a stage may write attributes that it does not declare.
                contract.layers.iter().any(|out| out.stored_as == *layer)
                    || contract
                        .attrs
                        .iter()
                        .any(|(of, which)| of == layer && which == attr)
            })
        };
        if !name.optional && !told && !before.iter().any(writes) {
            found.push(
                Diagnostic::error(format!(
                    "stage `{}` needs attribute `{attr}` of layer `{layer}`, which no stage before it writes",
                    node.name
                ))
                .at(node.place.clone())
                .label(format!("reads `{layer}/{attr}`")),
            );
        }
    }
}

fn remedy(before: &[Node], layer: &str, providers: &dyn Fn(&str) -> Vec<String>) -> Option<String> {
    // A stage that would provide it, had `into` not renamed it.
    let renamed = before.iter().find_map(|node| {
        let contract = node.contract.as_ref()?;
        let out = contract.layers.iter().find(|out| out.name == layer)?;
        Some(format!(
            "stage `{}` writes it as `{}`, because of its `into`",
            node.name, out.stored_as
        ))
    });
    renamed.or_else(|| match providers(&format!("layer:{layer}")).as_slice() {
        [] => None,
        [one] => Some(format!("add a stage before it: `use = \"{one}\"`")),
        many => Some(format!(
            "add a stage before it that writes the layer: {}",
            many.iter()
                .map(|one| format!("`use = \"{one}\"`"))
                .collect::<Vec<_>>()
                .join(" or ")
        )),
    })
}

fn writers(nodes: &[Node], index: usize, found: &mut Vec<Diagnostic>) {
    let node = &nodes[index];
    let Some(contract) = &node.contract else {
        return;
    };
    for out in &contract.layers {
        let layer = &out.stored_as;
        // Every stage that edits the text adds to this one.
        if layer == REMOVED && contract.edits_text {
            continue;
        }
        if let Some(first) = writer(&nodes[..index], layer) {
            found.push(
                Diagnostic::error(format!(
                    "stages `{}` and `{}` both write layer `{layer}`",
                    first.name, node.name
                ))
                .at(node.place.clone())
                .label(format!("writes `{layer}` again"))
                .related(first.place.clone(), format!("writes `{layer}`"))
                .hint(if out.transient || out.raw {
                    format!("remove one of the two stages: `into` cannot rename `{layer}`")
                } else {
                    format!(
                        "store the second under another name: `into = \"{layer}-2\"` in its `[[stage]]`"
                    )
                }),
            );
        }
    }
    for (layer, attr) in &contract.attrs {
        let same = |other: &&Node| {
            other.contract.iter().any(|contract| {
                contract
                    .attrs
                    .iter()
                    .any(|(of, name)| of == layer && name == attr)
            })
        };
        if let Some(first) = nodes[..index].iter().find(same) {
            found.push(
                Diagnostic::error(format!(
                    "stages `{}` and `{}` both write attribute `{attr}` of layer `{layer}`",
                    first.name, node.name
                ))
                .at(node.place.clone())
                .label("writes it again")
                .related(first.place.clone(), "writes it")
                .hint("remove one of the two stages"),
            );
        }
    }
}

fn edits(nodes: &[Node], index: usize, found: &mut Vec<Diagnostic>) {
    let node = &nodes[index];
    if !node
        .contract
        .as_ref()
        .is_some_and(|contract| contract.edits_text)
    {
        return;
    }
    let annotated = nodes[..index].iter().find_map(|earlier| {
        let contract = earlier.contract.as_ref()?;
        let layer = contract.layers.iter().find(|out| !out.raw)?;
        Some((earlier, &layer.stored_as))
    });
    if let Some((earlier, layer)) = annotated {
        found.push(
            Diagnostic::error(format!(
                "stage `{}` edits the text after stage `{}` has put layer `{layer}` on it",
                node.name, earlier.name
            ))
            .at(node.place.clone())
            .label("edits the text")
            .related(earlier.place.clone(), format!("writes `{layer}`"))
            .hint(format!("move `{}` before `{}`", node.name, earlier.name)),
        );
    }
}

fn include(nodes: &[Node], included: &Included, found: &mut Vec<Diagnostic>) {
    if nodes.iter().any(|node| node.contract.is_none()) {
        return;
    }
    let layers: HashMap<&str, bool> = nodes
        .iter()
        .flat_map(|node| &node.contract)
        .flat_map(|contract| &contract.layers)
        .map(|out| (out.stored_as.as_str(), out.transient))
        .collect();
    for (name, place) in included {
        match layers.get(name.as_str()) {
            Some(false) => {}
            // The spans of a layer whose vectors are freed are gone as well.
            Some(true) => found.push(
                Diagnostic::error(format!(
                    "layer `{name}` is transient: it is freed before the output"
                ))
                .at(place.clone())
                .label("cannot be written"),
            ),
            None => found.push(
                Diagnostic::error(format!("no stage writes layer `{name}`"))
                    .at(place.clone())
                    .label("not a layer of this pipeline")
                    .hint_if(
                        did_you_mean(name, layers.keys().copied())
                            .map(|near| format!("did you mean `{near}`?")),
                    ),
            ),
        }
    }
}

/// Stages of which nothing is read and nothing is written out.
fn unused(nodes: &[Node], included: &Included, found: &mut Vec<Diagnostic>) {
    for (index, node) in nodes.iter().enumerate() {
        let Some(contract) = &node.contract else {
            continue;
        };
        if contract.edits_text || !contract.meta.is_empty() || !contract.attrs.is_empty() {
            continue;
        }
        let used = |out: &copydesk_document::OutLayer| {
            let name = out.stored_as.as_str();
            let later = &nodes[index + 1..];
            later
                .iter()
                .any(|later| later.contract.is_none() || reads_layer(later, name))
                || !out.transient
                    && (!LEFT_OUT.contains(&name)
                        || included.iter().any(|(included, _)| included == name))
        };
        if !contract.layers.is_empty() && !contract.layers.iter().any(used) {
            let names: Vec<&str> = contract
                .layers
                .iter()
                .map(|out| out.stored_as.as_str())
                .collect();
            found.push(
                Diagnostic::warning(format!(
                    "nothing that stage `{}` writes is used ({})",
                    node.name,
                    names.join(", ")
                ))
                .at(node.place.clone())
                .label("its work is lost")
                .hint(
                    "remove the stage, or name a layer that is not transient in `[output] include`",
                ),
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostics::Severity;

    fn node(name: &str, requires: &[&str], provides: &[&str]) -> Node {
        let mut contract = Contract::parse(name, requires, provides).unwrap();
        for layer in &mut contract.layers {
            layer.transient = layer.name == "tokens";
        }
        Node {
            name: name.to_owned(),
            plugin: format!("copydesk/{name} 0.1.0"),
            contract: Some(contract),
            place: None,
        }
    }

    fn cleanup() -> Node {
        node(
            "cleanup",
            &["text"],
            &["text", "layer:blocks", "meta:title"],
        )
    }

    fn encode() -> Node {
        node("encode", &["text"], &["layer:sentences", "layer:tokens"])
    }

    fn ner() -> Node {
        node("ner", &["layer:tokens"], &["layer:entities"])
    }

    fn resolve() -> Node {
        node(
            "resolve",
            &["layer:entities", "layer:blocks?"],
            &["layer:mentions", "attr:entities/name"],
        )
    }

    fn told(nodes: &[Node]) -> Vec<String> {
        let providers = |name: &str| match name {
            "layer:tokens" => vec!["encode".to_owned()],
            _ => Vec::new(),
        };
        check(nodes, &Vec::new(), &providers)
            .into_iter()
            .map(|diagnostic| {
                let kind = match diagnostic.severity {
                    Severity::Error => "error",
                    Severity::Warning => "warning",
                };
                let hints: String = diagnostic
                    .hints
                    .iter()
                    .map(|hint| format!(" | {hint}"))
                    .collect();
                format!("{kind}: {}{hints}", diagnostic.message)
            })
            .collect()
    }

    #[test]
    fn a_pipeline_in_order_is_right() {
        assert_eq!(
            told(&[cleanup(), encode(), ner(), resolve()]),
            [] as [&str; 0]
        );
    }

    #[test]
    fn a_missing_layer_says_who_could_provide_it() {
        assert_eq!(
            told(&[ner()]),
            [
                "error: stage `ner` needs layer `tokens`, which no stage before it writes \
                 | add a stage before it: `use = \"encode\"`"
            ]
        );
    }

    #[test]
    fn a_stage_too_early_is_told_to_move() {
        assert_eq!(
            told(&[ner(), encode()])[0],
            "error: stage `ner` needs layer `tokens`, which stage `encode` writes only after it \
             | move `encode` before `ner`"
        );
    }

    #[test]
    fn an_optional_layer_may_be_missing_and_is_a_warning_when_it_comes_too_late() {
        assert_eq!(told(&[encode(), ner(), resolve()]), [] as [&str; 0]);
        let late = node("late", &[], &["layer:extra"]);
        let early = node("early", &["layer:extra?"], &["layer:x"]);
        assert_eq!(
            told(&[early, late]),
            [
                "warning: stage `early` can use layer `extra`, which stage `late` writes only after it \
                 | move `late` before `early`"
            ]
        );
    }

    #[test]
    fn two_writers_of_a_layer_are_refused_and_into_settles_it() {
        let mut second = node("ner-2", &["layer:tokens"], &["layer:entities"]);
        let told_twice = told(&[encode(), ner(), second]);
        assert_eq!(
            told_twice,
            [
                "error: stages `ner` and `ner-2` both write layer `entities` \
                 | store the second under another name: `into = \"entities-2\"` in its `[[stage]]`"
            ]
        );
        second = node("ner-2", &["layer:tokens"], &["layer:entities"]);
        second.contract.as_mut().unwrap().layers[0].stored_as = "people".to_owned();
        assert_eq!(told(&[encode(), ner(), second]), [] as [&str; 0]);
    }

    #[test]
    fn a_layer_that_into_renamed_is_found_again() {
        let mut renamed = ner();
        renamed.contract.as_mut().unwrap().layers[0].stored_as = "people".to_owned();
        assert_eq!(
            told(&[encode(), renamed, resolve()])[0],
            "error: stage `resolve` needs layer `entities`, which no stage before it writes \
             | stage `ner` writes it as `people`, because of its `into`"
        );
    }

    #[test]
    fn the_text_is_not_edited_once_it_carries_layers() {
        assert_eq!(
            told(&[encode(), cleanup(), ner()]),
            [
                "error: stage `cleanup` edits the text after stage `encode` has put layer `sentences` on it \
                 | move `cleanup` before `encode`"
            ]
        );
    }

    #[test]
    fn a_stage_whose_work_nobody_uses_is_a_warning() {
        assert_eq!(
            told(&[encode()]),
            [
                "warning: nothing that stage `encode` writes is used (sentences, tokens) \
                 | remove the stage, or name a layer that is not transient in `[output] include`"
            ]
        );
    }

    #[test]
    fn a_stage_that_was_not_found_accuses_nobody_else() {
        let mut lost = encode();
        lost.contract = None;
        assert_eq!(told(&[lost, ner()]), [] as [&str; 0]);
    }

    #[test]
    fn include_names_layers_that_are_there_and_stay() {
        let included = ["tokens", "sentense", "sentences"]
            .map(|name| (name.to_owned(), None))
            .to_vec();
        let found = check(&[encode(), ner()], &included, &|_| Vec::new());
        let messages: Vec<&str> = found.iter().map(|d| d.message.as_str()).collect();
        assert_eq!(
            messages,
            [
                "layer `tokens` is transient: it is freed before the output",
                "no stage writes layer `sentense`"
            ]
        );
        assert_eq!(found[1].hints, ["did you mean `sentences`?"]);
    }

    #[test]
    fn transient_layers_are_freed_after_their_last_reader() {
        let quotes = node("quotes", &["layer:tokens"], &["layer:quotes"]);
        let drawn = graph(&[encode(), ner(), quotes, resolve()]);
        let frees: Vec<usize> = drawn.stages.iter().map(|stage| stage.frees.len()).collect();
        assert_eq!(frees, [0, 0, 1, 0]);
        insta::assert_snapshot!(drawn);
    }
}
