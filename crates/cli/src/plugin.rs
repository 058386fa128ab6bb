//! `copydesk plugin`.

use std::{fmt::Write as _, io::Write as _};

use copydesk_host::{PluginFile, Plugins, SearchPath};
use serde_json::json;

use crate::{
    args::PluginList,
    summary::count,
    voice::{self, QUIET, STRONG, WARNING},
};

pub(crate) fn list(args: &PluginList) -> anyhow::Result<u8> {
    let path = SearchPath::new(&args.search.plugin_dirs);
    let plugins = Plugins::scan(&path);
    let mut stdout = anstream::stdout().lock();
    if args.json {
        let text = serde_json::to_string_pretty(&as_json(&plugins, &path))?;
        writeln!(stdout, "{text}")?;
        return Ok(0);
    }
    let mut text = String::new();
    for file in plugins.files() {
        table(file, &mut text);
    }
    stdout.write_all(text.as_bytes())?;
    stdout.flush()?;
    let mut about = String::new();
    for problem in plugins.problems() {
        let _ = writeln!(
            about,
            "{WARNING}warning{WARNING:#}{STRONG}:{STRONG:#} {problem}"
        );
    }
    let found = count(plugins.files().len() as u64, "plugin file");
    let _ = write!(about, "{found} found; looked in\n{path}");
    voice::say(about);
    Ok(0)
}

fn table(file: &PluginFile, text: &mut String) {
    for stage in &file.stages {
        let _ = writeln!(text, "{STRONG}{}{STRONG:#} {}", stage.id, stage.version);
        if !stage.summary.is_empty() {
            let _ = writeln!(text, "  {}", stage.summary);
        }
        for (heading, names) in [("reads", &stage.requires), ("writes", &stage.provides)] {
            if !names.is_empty() {
                let _ = writeln!(text, "  {QUIET}{heading:<7}{QUIET:#} {}", names.join(", "));
            }
        }
        let _ = writeln!(text, "  {QUIET}file{QUIET:#}    {}\n", file.path.display());
    }
}

fn as_json(plugins: &Plugins, path: &SearchPath) -> serde_json::Value {
    let files: Vec<_> = plugins
        .files()
        .iter()
        .map(|file| {
            let stages: Vec<_> = file
                .stages
                .iter()
                .map(|stage| {
                    json!({
                        "id": stage.id,
                        "version": stage.version,
                        "summary": stage.summary,
                        "requires": stage.requires,
                        "provides": stage.provides,
                    })
                })
                .collect();
            json!({
                "path": file.path,
                "package": file.package,
                "version": file.version,
                "abi": format!("{}.{}", file.abi.0, file.abi.1),
                "sha256": file.sha256(),
                "stages": stages,
            })
        })
        .collect();
    let problems: Vec<_> = plugins
        .problems()
        .iter()
        .map(|problem| json!({ "path": problem.path, "message": problem.message }))
        .collect();
    let looked: Vec<_> = path
        .entries()
        .iter()
        .map(|(folder, why)| json!({ "folder": folder, "because": why }))
        .collect();
    json!({ "plugins": files, "problems": problems, "search_path": looked })
}
