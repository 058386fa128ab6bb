use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use cargo_metadata::Metadata;

/// Where unsafe code belongs: at the boundary, and in kernels.
const ALLOWED: &[&str] = &[
    "crates/abi",
    "crates/plugin",
    "crates/plugin-macros",
    "crates/host",
    "crates/encoder",
];

/// The source files, relative to the project, that allow unsafe code.
pub(crate) fn allowing(root: &Path, workspaces: &[Metadata]) -> Result<Vec<String>> {
    let mut found = Vec::new();
    for package in workspaces.iter().flat_map(Metadata::workspace_packages) {
        let folder = package
            .manifest_path
            .parent()
            .context("a manifest stands in a folder")?;
        visit(folder.as_std_path(), &mut |file| {
            let text = fs::read_to_string(file)
                .with_context(|| format!("cannot read {}", file.display()))?;
            if allows_unsafe(&text) {
                let file = file.strip_prefix(root).unwrap_or(file);
                found.push(file.display().to_string().replace('\\', "/"));
            }
            Ok(())
        })?;
    }
    found.sort();
    Ok(found)
}

/// Files that allow unsafe code where it does not belong, and crates that do
/// not take over the lints of the workspace, which deny it.
pub(crate) fn problems(root: &Path, workspaces: &[Metadata]) -> Result<Vec<String>> {
    let mut problems: Vec<String> = allowing(root, workspaces)?
        .into_iter()
        .filter(|file| !belongs(file))
        .map(|file| format!("{file}: unsafe code is not allowed in this crate"))
        .collect();
    for package in workspaces.iter().flat_map(Metadata::workspace_packages) {
        let manifest = fs::read_to_string(&package.manifest_path)
            .with_context(|| format!("cannot read {}", package.manifest_path))?;
        if !takes_lints(&manifest) {
            problems.push(format!(
                "{}: add `[lints] workspace = true`",
                package.manifest_path
            ));
        }
    }
    Ok(problems)
}

fn belongs(file: &str) -> bool {
    ALLOWED.iter().any(|folder| {
        file.strip_prefix(folder)
            .is_some_and(|rest| rest.starts_with('/'))
    })
}

fn allows_unsafe(text: &str) -> bool {
    let lint = concat!("unsafe", "_code");
    text.lines()
        .map(str::trim_start)
        .filter(|line| !line.starts_with("//"))
        .any(|line| {
            ["allow(", "expect(", "warn("]
                .iter()
                .filter_map(|level| line.split_once(level))
                .any(|(_, rest)| rest.split(')').next().unwrap_or(rest).contains(lint))
        })
}

fn takes_lints(manifest: &str) -> bool {
    manifest
        .split_once("[lints]")
        .and_then(|(_, rest)| rest.split('[').next())
        .is_some_and(|section| {
            section
                .lines()
                .any(|line| line.replace(' ', "") == "workspace=true")
        })
}

fn visit(folder: &Path, take: &mut dyn FnMut(&Path) -> Result<()>) -> Result<()> {
    let reading = || format!("cannot read {}", folder.display());
    for entry in fs::read_dir(folder).with_context(reading)? {
        let path = entry.with_context(reading)?.path();
        if path.is_dir() {
            if path.file_name().is_some_and(|name| name != "target") {
                visit(&path, take)?;
            }
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            take(&path)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unsafe_code_is_allowed_only_at_the_boundary_and_in_kernels() {
        let root = crate::root();
        let workspaces = crate::workspaces(&root).unwrap();
        let problems = problems(&root, &workspaces).unwrap();
        assert!(problems.is_empty(), "{}", problems.join("\n"));
        let allowing = allowing(&root, &workspaces).unwrap();
        assert!(
            allowing.iter().any(|file| file.starts_with("crates/host/")),
            "the host has unsafe code, so the search is broken: {allowing:?}"
        );
    }

    #[test]
    fn allowing_is_seen_in_every_form_but_a_comment() {
        let lint = concat!("unsafe", "_code");
        for line in [
            format!("#![allow({lint})]"),
            format!("    #[expect(dead_code, {lint})]"),
            format!("#[cfg_attr(test, allow({lint}))]"),
        ] {
            assert!(allows_unsafe(&line), "{line}");
        }
        assert!(!allows_unsafe(&format!("// #![allow({lint})]")));
        assert!(!allows_unsafe(&format!("#![deny({lint})]")));
        assert!(belongs("crates/plugin/src/lib.rs"));
        assert!(!belongs("crates/plugins/src/lib.rs"));
        assert!(!belongs("crates/document/src/lib.rs"));
    }

    #[test]
    fn a_manifest_without_our_lints_is_seen() {
        assert!(takes_lints(
            "[package]\n[lints]\nworkspace = true\n\n[dependencies]\n"
        ));
        assert!(!takes_lints("[package]\n[dependencies]\nworkspace = true"));
        assert!(!takes_lints("[lints]\n[dependencies]\nworkspace = true"));
    }
}
