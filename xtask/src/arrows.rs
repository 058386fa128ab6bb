use std::collections::BTreeSet;
use std::fmt;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use cargo_metadata::{DependencyKind, Metadata, Package};

/// What each of our crates may depend on, by folder. An arrow that is not here
/// would let knowledge flow where it must not: the host into plugins, say.
const ALLOWED: &[(&str, &[&str])] = &[
    ("crates/abi", &[]),
    ("crates/document", &[]),
    ("crates/language", &[]),
    ("crates/html", &["crates/language"]),
    ("crates/encoder", &[]),
    ("crates/plugin-macros", &[]),
    ("crates/plugin", &["crates/abi", "crates/plugin-macros"]),
    ("crates/host", &["crates/abi", "crates/document"]),
    ("crates/engine", &["crates/document", "crates/host"]),
    (
        "crates/io",
        &["crates/document", "crates/engine", "crates/html"],
    ),
    (
        "crates/rundir",
        &[
            "crates/document",
            "crates/engine",
            "crates/host",
            "crates/io",
        ],
    ),
    ("crates/evaluate", &["crates/document", "crates/language"]),
    (
        "crates/cli",
        &[
            "crates/abi",
            "crates/document",
            "crates/host",
            "crates/engine",
            "crates/evaluate",
            "crates/io",
            "crates/language",
            "crates/rundir",
        ],
    ),
    (
        "crates/testkit",
        &["crates/abi", "crates/document", "crates/host"],
    ),
    (
        "plugins/rust-bert",
        &[
            "crates/plugin",
            "crates/language",
            "crates/encoder",
            "plugins/rust-bert/libtorch",
        ],
    ),
    (
        "plugins",
        &["crates/plugin", "crates/language", "crates/encoder"],
    ),
    ("examples", &["crates/plugin"]),
];

/// Besides, in tests.
const ALLOWED_IN_TESTS: &[(&str, &[&str])] = &[
    ("crates/cli", &["crates/testkit"]),
    ("plugins", &["crates/testkit"]),
    ("examples", &["crates/testkit"]),
];

/// Chores and measurements look at everything.
const FREE: &[&str] = &["xtask", "benches", "fuzz"];

/// One of our crates depends on another.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Arrow {
    from: String,
    to: String,
    test: bool,
}

impl fmt::Display for Arrow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let test = if self.test { " (in tests)" } else { "" };
        write!(f, "{} -> {}{test}", self.from, self.to)
    }
}

/// All arrows between our packages.
pub(crate) fn arrows(root: &Path, workspaces: &[Metadata]) -> Result<BTreeSet<Arrow>> {
    let mut arrows = BTreeSet::new();
    for package in packages(workspaces) {
        for dependency in &package.dependencies {
            let Some(path) = &dependency.path else {
                continue;
            };
            let to = path.as_std_path().strip_prefix(root).map_err(|_| {
                anyhow::anyhow!("{} depends on {path}, outside of here", package.name)
            })?;
            arrows.insert(Arrow {
                from: folder(root, package)?,
                to: slashes(to),
                test: dependency.kind == DependencyKind::Development,
            });
        }
    }
    Ok(arrows)
}

/// The arrows that break the rules, and crates that have none.
pub(crate) fn problems(root: &Path, workspaces: &[Metadata]) -> Result<Vec<String>> {
    let mut problems = Vec::new();
    for package in packages(workspaces) {
        let folder = folder(root, package)?;
        if !is_free(&folder) && rule(ALLOWED, &folder).is_none() {
            problems.push(format!(
                "{folder}: xtask/src/arrows.rs does not say what it may depend on"
            ));
        }
    }
    let arrows = arrows(root, workspaces)?;
    ensure!(
        !arrows.is_empty(),
        "`cargo metadata` named no dependency between our crates"
    );
    problems.extend(
        arrows
            .iter()
            .filter(|arrow| !is_allowed(arrow))
            .map(|arrow| format!("{arrow}: this dependency is not allowed")),
    );
    Ok(problems)
}

fn packages(workspaces: &[Metadata]) -> impl Iterator<Item = &Package> {
    workspaces.iter().flat_map(Metadata::workspace_packages)
}

fn is_allowed(arrow: &Arrow) -> bool {
    let to = arrow.to.as_str();
    let within = |rules| rule(rules, &arrow.from).is_some_and(|allowed| allowed.contains(&to));
    is_free(&arrow.from) || within(ALLOWED) || (arrow.test && within(ALLOWED_IN_TESTS))
}

fn is_free(folder: &str) -> bool {
    let first = folder.split('/').next().unwrap_or(folder);
    FREE.contains(&first)
}

/// The rule for a folder: its own, or that of the folder around it.
fn rule(
    rules: &'static [(&'static str, &'static [&'static str])],
    folder: &str,
) -> Option<&'static [&'static str]> {
    let around = folder.split_once('/').map(|(around, _)| around);
    rules
        .iter()
        .find(|(of, _)| *of == folder || Some(*of) == around)
        .map(|(_, allowed)| *allowed)
}

fn folder(root: &Path, package: &Package) -> Result<String> {
    let folder = package
        .manifest_path
        .parent()
        .and_then(|folder| folder.as_std_path().strip_prefix(root).ok())
        .with_context(|| format!("{} stands outside of the project", package.name))?;
    Ok(slashes(folder))
}

fn slashes(path: &Path) -> String {
    path.display().to_string().replace('\\', "/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn our_crates_depend_on_each_other_only_where_it_is_allowed() {
        let root = crate::root();
        let workspaces = crate::workspaces(&root).unwrap();
        let problems = problems(&root, &workspaces).unwrap();
        assert!(problems.is_empty(), "{}", problems.join("\n"));
    }

    #[test]
    fn an_arrow_against_the_rules_is_seen() {
        let arrow = |from: &str, to: &str, test| Arrow {
            from: from.into(),
            to: to.into(),
            test,
        };
        assert!(is_allowed(&arrow("plugins/ner", "crates/plugin", false)));
        assert!(!is_allowed(&arrow("plugins/ner", "crates/document", false)));
        assert!(!is_allowed(&arrow("plugins/ner", "crates/document", true)));
        assert!(!is_allowed(&arrow("plugins/ner", "plugins/encode", false)));
        assert!(is_allowed(&arrow("plugins/ner", "crates/testkit", true)));
        assert!(!is_allowed(&arrow("plugins/ner", "crates/testkit", false)));
        assert!(!is_allowed(&arrow("crates/document", "crates/abi", false)));
        assert!(!is_allowed(&arrow("crates/new", "crates/abi", false)));
        assert!(is_allowed(&arrow("benches", "crates/host", false)));
        assert!(!is_allowed(&arrow(
            "plugins/rust-bert",
            "crates/host",
            false
        )));
        assert!(is_allowed(&arrow(
            "plugins/rust-bert",
            "crates/testkit",
            true
        )));
    }
}
