//! `docs/cli.md` out of the definitions of the command line, so that the two cannot differ.

use std::{fmt::Write, fs, path::Path};

use clap::{Arg, Command, CommandFactory};

use crate::args::Cli;

const HEAD: &str = "\
# The command line

Made from the command's own definitions; `COPYDESK_UPDATE=1 cargo test -p copydesk reference` writes it anew.

Standard output carries data alone: records, a page for the terminal, a list, a schema. Everything else (progress, warnings, errors, the summary at the
end) goes to standard error. Relative paths on the command line count from the working directory, those in a pipeline file from its folder.

| exit code | meaning |
|---|---|
| 0 | All documents came out, or were dropped on purpose. Also when the reader of a pipe has seen enough. |
| 1 | The run could not start, or could not go on: pipeline file, plugin, model, input, output. |
| 2 | Wrong usage of the command. |
| 3 | Finished, and some documents failed: they are in the dead letters. |
| 4 | More documents failed than `[run] max_failed` or `max_failed_ratio` allows. |
| 130, 143 | Interrupted by Ctrl-C or SIGTERM. The first finishes the documents in flight, a second ends at once. |

`COPYDESK_PLUGIN_PATH` names folders where plugins are looked for, before the folder of the binary. `COPYDESK_LOG` (or `RUST_LOG`) chooses messages by their
source: `COPYDESK_LOG=copydesk_engine=debug`.
";

#[test]
fn the_page_about_the_command_line_is_up_to_date() {
    let mut command = Cli::command();
    command.build();
    let mut page = HEAD.to_owned();
    section(&command, &mut page);
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/cli.md");
    if std::env::var_os("COPYDESK_UPDATE").is_some() {
        fs::write(&path, &page).unwrap();
    }
    assert_eq!(
        fs::read_to_string(path).unwrap_or_default(),
        page,
        "set COPYDESK_UPDATE=1 to write it anew"
    );
}

fn section(command: &Command, page: &mut String) {
    let name = command.get_bin_name().unwrap_or(command.get_name());
    let is_root = name == "copydesk";
    if is_root || !command.has_subcommands() {
        let usage = command.clone().render_usage().to_string();
        let usage = usage.trim_start_matches("Usage: ");
        let about = command
            .get_about()
            .map(ToString::to_string)
            .unwrap_or_default();
        let about = about.trim_end_matches('.');
        // Writing to a string cannot fail.
        let _ = write!(
            page,
            "\n## `{name}`\n\n{about}.\n\n```console\n$ {usage}\n```\n"
        );
        let shown: Vec<&Arg> = command
            .get_arguments()
            .filter(|arg| is_root || !arg.is_global_set())
            .filter(|arg| !matches!(arg.get_id().as_str(), "help" | "version"))
            .collect();
        if !shown.is_empty() {
            page.push_str("\n| argument | meaning |\n|---|---|\n");
        }
        for arg in shown {
            let _ = writeln!(page, "| {} | {} |", spelled(arg), meaning(arg));
        }
    }
    for subcommand in command
        .get_subcommands()
        .filter(|sub| sub.get_name() != "help" && !sub.is_hide_set())
    {
        section(subcommand, page);
    }
}

fn spelled(arg: &Arg) -> String {
    let value = arg
        .get_value_names()
        .filter(|_| arg.get_action().takes_values())
        .map(|names| names.join(" "))
        .unwrap_or_default();
    let names: Vec<String> = [
        arg.get_short().map(|short| format!("-{short}")),
        arg.get_long().map(|long| format!("--{long}")),
    ]
    .into_iter()
    .flatten()
    .collect();
    match (names.is_empty(), value.is_empty()) {
        (true, _) => format!("`{value}`"),
        (false, true) => format!("`{}`", names.join("`, `")),
        (false, false) => format!("`{} {value}`", names.join("`, `")),
    }
}

fn meaning(arg: &Arg) -> String {
    let help = arg.get_help().map(ToString::to_string).unwrap_or_default();
    let mut text = format!("{}.", help.trim_end_matches('.'));
    if arg.get_action().takes_values() {
        let values: Vec<String> = arg
            .get_possible_values()
            .iter()
            .map(|value| format!("`{}`", value.get_name()))
            .collect();
        if !values.is_empty() {
            text += &format!(" One of {}.", values.join(", "));
        }
        let defaults: Vec<String> = arg
            .get_default_values()
            .iter()
            .map(|value| value.to_string_lossy().into_owned())
            .collect();
        if !defaults.is_empty() {
            text += &format!(" Default: `{}`.", defaults.join(" "));
        }
    }
    text
}
