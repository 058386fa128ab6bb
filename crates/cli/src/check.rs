//! `copydesk check`, and what `run` has to do first.

use std::{
    io::{self, Write},
    path::Path,
};

use copydesk_engine::{
    Plan,
    config::{self, LoadError, Pipeline},
    diagnostics::{Diagnostics, Look, Severity},
};
use copydesk_host::{Plugins, ProblemKind, SearchPath};

use crate::{
    args::{Check, Search},
    summary::count,
    voice::{self, Hinted},
};

pub(crate) fn check(args: &Check) -> anyhow::Result<u8> {
    let Some(pipeline) = load(&args.pipeline)? else {
        return Ok(1);
    };
    let Some(plan) = plan(&pipeline, &args.search) else {
        return Ok(1);
    };
    let mut stdout = anstream::stdout().lock();
    writeln!(stdout, "{}", plan.graph())?;
    let stages = count(plan.stages().len() as u64, "stage");
    let file = args.pipeline.display();
    if voice::is_json() {
        tracing::info!("`{file}` is sound: {stages}");
    } else if tracing::enabled!(tracing::Level::WARN) {
        voice::say(format_args!("`{file}` is sound: {stages}"));
    }
    Ok(0)
}

/// Reads the pipeline file; `None` if it is no TOML, which has been said then.
pub(crate) fn load(path: &Path) -> anyhow::Result<Option<Pipeline>> {
    match config::load(path) {
        Ok(pipeline) => Ok(Some(pipeline)),
        Err(LoadError::Toml(diagnostics)) => {
            say(&diagnostics);
            Ok(None)
        }
        Err(LoadError::Read { path, source }) if source.kind() == io::ErrorKind::NotFound => {
            let hint = "the first argument is the pipeline file, inputs come after it";
            Err(Hinted::new(LoadError::Read { path, source }, hint).into())
        }
        Err(error) => Err(error.into()),
    }
}

/// Creates and checks the stages; `None` if something is wrong, which has been said then.
pub(crate) fn plan(pipeline: &Pipeline, search: &Search) -> Option<Plan> {
    let path = SearchPath::new(&search.plugin_dirs);
    let plugins = Plugins::scan(&path);
    for problem in plugins.problems() {
        let used = pipeline.stages.iter().any(|stage| {
            problem
                .message
                .contains(&format!("`{}`", copydesk_host::full_id(&stage.use_)))
        });
        // `plugin list` tells all of them; here only those that change what is run.
        if problem.kind == ProblemKind::Shadowed && used {
            tracing::warn!("{problem}");
        } else {
            tracing::debug!("{problem}");
        }
    }
    match Plan::check(pipeline, &plugins) {
        Ok(plan) => {
            if tracing::enabled!(tracing::Level::WARN) && !plan.warnings().is_empty() {
                say(plan.warnings());
            }
            Some(plan)
        }
        Err(diagnostics) => {
            say(&diagnostics);
            None
        }
    }
}

fn say(diagnostics: &Diagnostics) {
    if voice::is_json() {
        for diagnostic in diagnostics.iter() {
            let file = diagnostics.path().display().to_string();
            let (message, hint) = (&diagnostic.message, diagnostic.hints.first());
            let at = diagnostic.place.as_ref().map(|place| place.start);
            match diagnostic.severity {
                Severity::Error => tracing::error!(file, at, hint, "{message}"),
                Severity::Warning => tracing::warn!(file, at, hint, "{message}"),
            }
        }
        return;
    }
    let look = if voice::stderr_has_colour() {
        Look::Colour
    } else {
        Look::Plain
    };
    voice::say(format_args!("{}\n", diagnostics.render(look)));
}
