//! `copydesk`, the command.

mod args;
mod check;
mod dead_letter;
mod eval;
mod eval_args;
mod learn;
mod model;
mod plugin;
mod progress;
#[cfg(test)]
mod reference;
mod report;
mod run;
mod run_dir;
mod schema;
mod select;
mod signals;
mod summary;
mod voice;
mod worker;

use std::process::ExitCode;

use clap::Parser;

use crate::args::{Cli, Command, DeadLetter, Model, Plugin};

fn main() -> ExitCode {
    let Cli { command, voice } = Cli::parse();
    // A worker process speaks through the run that started it.
    if !matches!(command, Command::Worker(_)) {
        voice::set_up(&voice);
    }
    let result = match command {
        Command::Run(run) => run::run(&run, &voice),
        Command::Check(check) => check::check(&check),
        Command::Eval(eval) => eval::eval(&eval, &voice),
        Command::LearnBoilerplate(learn) => learn::learn(&learn),
        Command::DeadLetter(DeadLetter::List(list)) => dead_letter::list(&list),
        Command::DeadLetter(DeadLetter::Show(show)) => dead_letter::show(&show),
        Command::DeadLetter(DeadLetter::Replay(replay)) => dead_letter::replay(&replay, &voice),
        Command::Model(Model::Get(get)) => model::get(&get, &voice),
        Command::Plugin(Plugin::List(list)) => plugin::list(&list),
        Command::Schema(schema) => schema::print(schema),
        Command::Worker(worker) => worker::work(&worker),
    };
    match result {
        Ok(code) => ExitCode::from(code),
        Err(error) if is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            voice::say_error(&error);
            ExitCode::FAILURE
        }
    }
}

/// Whether whoever read our output has seen enough, which is no error: `copydesk … | head`.
fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| {
        cause
            .downcast_ref::<std::io::Error>()
            .is_some_and(|error| error.kind() == std::io::ErrorKind::BrokenPipe)
    })
}
