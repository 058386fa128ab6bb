//! Which stages share worker processes, and what must not cross the border between them and the
//! rest.

use std::ops::Range;

use crate::config::{Isolation, Pipeline};
use crate::diagnostics::Diagnostic;
use crate::graph::{Node, reads_layer};

/// The groups of a pipeline: neighbours with `isolation = "process"`, as ranges of stages.
pub(crate) fn groups(pipeline: &Pipeline) -> Vec<Range<usize>> {
    let mut groups: Vec<Range<usize>> = Vec::new();
    for (index, stage) in pipeline.stages.iter().enumerate() {
        if !stage.is_isolated(&pipeline.run) {
            continue;
        }
        match groups.last_mut() {
            Some(group) if group.end == index => group.end += 1,
            _ => groups.push(index..index + 1),
        }
    }
    groups
}

/// The limit of a group's worker processes.
pub(crate) fn memory_max_mb(pipeline: &Pipeline, group: &Range<usize>) -> Option<u64> {
    let named = pipeline.stages[group.clone()]
        .iter()
        .find_map(|stage| stage.memory_max_mb);
    named.or(pipeline.run.memory_max_mb)
}

/// What is wrong about where the stages run; `nodes` are the stages in their order.
pub(crate) fn check(pipeline: &Pipeline, nodes: &[Node]) -> Vec<Diagnostic> {
    let groups = groups(pipeline);
    let mut found = Vec::new();
    if let Some(group) = groups.first()
        && cfg!(not(unix))
    {
        found.push(
            Diagnostic::error("`isolation = \"process\"` needs a Unix system")
                .at(isolation_place(pipeline, group.start)),
        );
    }
    limits(pipeline, &groups, &mut found);
    transient(pipeline, nodes, &groups, &mut found);
    found
}

fn limits(pipeline: &Pipeline, groups: &[Range<usize>], found: &mut Vec<Diagnostic>) {
    let place = |stage: usize| {
        let stage = &pipeline.stages[stage];
        pipeline.place(&stage.pointer("memory_max_mb"))
    };
    // Of a value that was told to be none, nothing follows.
    let told = |pointer: &str, taken: bool| !taken && pipeline.places().has(pointer);
    let run = &pipeline.run;
    let run_told = told("/run/isolation", run.isolation == Isolation::Process)
        && pipeline.problems().errors() > 0;
    for (index, stage) in pipeline.stages.iter().enumerate() {
        if run_told || told(&stage.pointer("isolation"), stage.isolation.is_some()) {
            continue;
        }
        if stage.memory_max_mb.is_some() && !groups.iter().any(|group| group.contains(&index)) {
            found.push(
                Diagnostic::error(format!(
                    "`memory_max_mb` of stage `{}` limits worker processes, and it has none",
                    stage.name()
                ))
                .at(place(index))
                .label("nothing to limit")
                .hint("add `isolation = \"process\"` to the stage"),
            );
        }
    }
    if run.memory_max_mb.is_some() && groups.is_empty() && !run_told {
        found.push(
            Diagnostic::warning(
                "`memory_max_mb` limits worker processes, and no stage has any",
            )
            .at(pipeline.place("/run/memory_max_mb"))
            .label("nothing to limit")
            .hint("add `isolation = \"process\"` to `[run]`, or to the stages that are to be limited"),
        );
    }
    for group in groups {
        let mut named = group
            .clone()
            .filter_map(|index| Some((index, pipeline.stages[index].memory_max_mb?)));
        let Some((first, limit)) = named.next() else {
            continue;
        };
        if let Some((second, other)) = named.find(|(_, other)| *other != limit) {
            let name = |index: usize| pipeline.stages[index].name();
            found.push(
                Diagnostic::error(format!(
                    "stages `{}` and `{}` share worker processes and name two limits for them",
                    name(first),
                    name(second)
                ))
                .at(place(second))
                .label(format!("{other} MB"))
                .related(place(first), format!("{limit} MB"))
                .hint("name the limit once"),
            );
        }
    }
}

/// Vectors do not leave their process: a transient layer is read where it is written.
fn transient(
    pipeline: &Pipeline,
    nodes: &[Node],
    groups: &[Range<usize>],
    found: &mut Vec<Diagnostic>,
) {
    let group_of = |index: usize| groups.iter().position(|group| group.contains(&index));
    for (writer, node) in nodes.iter().enumerate() {
        let layers = node.contract.iter().flat_map(|contract| &contract.layers);
        for layer in layers.filter(|layer| layer.transient) {
            let name = &layer.stored_as;
            let readers = (writer + 1..nodes.len()).filter(|&at| reads_layer(&nodes[at], name));
            for reader in readers.filter(|&at| group_of(at) != group_of(writer)) {
                // The place that says `isolation` explains more than the one that says `use`.
                let at = if group_of(reader).is_some() {
                    reader
                } else {
                    writer
                };
                let other = if at == reader { writer } else { reader };
                found.push(
                    Diagnostic::error(format!(
                        "stage `{}` reads layer `{name}` in another process than stage `{}`, which writes it, and it is transient: it does not leave its process",
                        nodes[reader].name, node.name
                    ))
                    .at(isolation_place(pipeline, at))
                    .label(format!("`{}` runs in worker processes", nodes[at].name))
                    .related(
                        nodes[other].place.clone(),
                        match group_of(other) {
                            Some(_) => format!("`{}` in others", nodes[other].name),
                            None => format!("`{}` does not", nodes[other].name),
                        },
                    )
                    .hint(format!(
                        "give every stage from `{}` to `{}` the same `isolation`",
                        node.name, nodes[reader].name
                    )),
                );
            }
        }
    }
}

fn isolation_place(pipeline: &Pipeline, stage: usize) -> Option<Range<usize>> {
    let own = pipeline.stages[stage].pointer("isolation");
    match pipeline.stages[stage].isolation {
        Some(_) => pipeline.place(&own),
        None => pipeline.place("/run/isolation"),
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use copydesk_document::Contract;

    use super::*;
    use crate::config;

    /// The shipped pipeline in small: `encode` writes vectors that the two after it read.
    fn told(run: &str, stages: [&str; 4]) -> String {
        let names = ["cleanup", "encode", "ner", "quotes"];
        let tables = names
            .iter()
            .zip(stages)
            .map(|(name, keys)| format!("[[stage]]\nuse = '{name}'\n{keys}\n"));
        let text = format!("version = 1\n[run]\n{run}\n{}", tables.collect::<String>());
        let pipeline = config::parse(&text, Path::new("pipeline.toml")).unwrap();
        let contracts: [(&[&str], &[&str]); 4] = [
            (&[], &["text", "layer:blocks"]),
            (&["layer:blocks?"], &["layer:sentences", "layer:tokens"]),
            (&["layer:tokens"], &["layer:entities"]),
            (&["layer:tokens", "layer:entities"], &["layer:quotes"]),
        ];
        let nodes: Vec<Node> = names
            .iter()
            .zip(contracts)
            .zip(&pipeline.stages)
            .map(|((name, (requires, provides)), stage)| {
                let mut contract = Contract::parse(name, requires, provides).unwrap();
                for layer in &mut contract.layers {
                    layer.transient = layer.name == "tokens";
                }
                Node {
                    name: (*name).to_owned(),
                    plugin: String::new(),
                    contract: Some(contract),
                    place: pipeline.place(&stage.pointer("use")),
                }
            })
            .collect();
        let mut diagnostics = pipeline.problems();
        for one in check(&pipeline, &nodes) {
            diagnostics.push(one);
        }
        diagnostics.to_string()
    }

    const APART: &str = "isolation = 'process'";

    #[test]
    fn neighbours_make_groups() {
        let groups = |stages: [&str; 4]| {
            let names = ["a", "b", "c", "d"].iter().zip(stages);
            let tables = names.map(|(name, keys)| format!("[[stage]]\nuse = '{name}'\n{keys}\n"));
            let text = format!("version = 1\n{}", tables.collect::<String>());
            groups(&config::parse(&text, Path::new("p.toml")).unwrap())
        };
        assert_eq!(groups(["", "", "", ""]), Vec::<Range<usize>>::new());
        assert_eq!(groups([APART, APART, "", APART]), [0..2, 3..4]);
    }

    #[test]
    fn vectors_may_stay_on_either_side_of_a_border() {
        for (run, stages) in [
            (APART, ["", "", "", ""]),
            ("", ["", APART, APART, APART]),
            ("", [APART, "", "", ""]),
            (APART, ["isolation = 'none'", "", "", ""]),
        ] {
            assert_eq!(told(run, stages), "", "{run} {stages:?}");
        }
    }

    #[test]
    fn vectors_that_would_have_to_cross_a_border_are_told() {
        insta::assert_snapshot!(told("", ["", APART, APART, ""]));
        insta::assert_snapshot!(told("", [APART, "", "", APART]));
        insta::assert_snapshot!(told(APART, ["", "", "isolation = 'none'", ""]));
    }

    #[test]
    fn a_limit_is_named_once_and_where_there_is_something_to_limit() {
        let some = "memory_max_mb = 300";
        let other = "memory_max_mb = 500";
        assert_eq!(told(APART, ["", some, "", ""]), "");
        assert_eq!(told(&format!("{APART}\n{other}"), ["", some, "", ""]), "");
        insta::assert_snapshot!(told(APART, [some, "", other, ""]));
        insta::assert_snapshot!(told(other, ["", "", some, ""]));
        // One mistake is told once.
        let mistaken = "memory_max_mb = 300\nisolation = 'proces'";
        insta::assert_snapshot!(told("", [mistaken, "", "", ""]));
    }
}
