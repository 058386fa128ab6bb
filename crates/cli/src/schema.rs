//! `copydesk schema`: the JSON Schemas of what goes in and comes out.

use std::io::Write;

use crate::args::Schema;

pub(crate) fn print(which: Schema) -> anyhow::Result<u8> {
    let schema = match which {
        Schema::Pipeline => copydesk_engine::config::schema(),
        Schema::Output => copydesk_io::output_schema(),
    };
    let mut text = serde_json::to_string_pretty(&schema)?;
    text.push('\n');
    std::io::stdout().lock().write_all(text.as_bytes())?;
    Ok(0)
}
