//! Runs one extractor over a folder of pages: `extract TOOL PAGES OUT.json`.
//!
//! Writes what `score.py` reads, and tells time and memory on standard error.

use std::{env, fs, io::Read, panic, path::Path, time::Instant};

use serde_json::{Map, Value, json};

fn main() {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [tool, pages, out] = arguments.as_slice() else {
        panic!("usage: extract TOOL PAGES OUT.json");
    };
    let mut files: Vec<_> = fs::read_dir(pages)
        .expect("the folder of pages can be read")
        .map(|entry| entry.expect("its entries too").path())
        .collect();
    files.sort();
    let (mut found, mut seconds, mut slowest) = (Map::new(), 0.0, (0.0, String::new()));
    for file in files {
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        let Some(name) = name.strip_suffix(".html.gz") else {
            continue;
        };
        let html = unpacked(&file);
        let start = Instant::now();
        let page = panic::catch_unwind(|| extract(tool, &html));
        let took = start.elapsed().as_secs_f64();
        seconds += took;
        if took > slowest.0 {
            slowest = (took, name.to_owned());
        }
        let page = page.unwrap_or_else(|_| json!({ "articleBody": "", "error": "panic" }));
        found.insert(name.to_owned(), page);
    }
    let out = Path::new(out);
    fs::create_dir_all(out.parent().unwrap_or(Path::new("."))).expect("the folder can be made");
    fs::write(out, Value::Object(found).to_string()).expect("the output can be written");
    eprintln!(
        "{tool}: {seconds:.2} s, at most {:.2} s ({}), {}",
        slowest.0,
        slowest.1,
        peak_memory()
    );
}

fn extract(tool: &str, html: &str) -> Value {
    match tool {
        "copydesk" => {
            let page = copydesk_html::read(html);
            // Captions are marked, for the stage that takes them out.
            let body: Vec<&str> = page
                .blocks
                .iter()
                .filter(|block| block.kind != copydesk_html::BlockKind::Caption)
                .map(|block| &page.text[block.range.clone()])
                .collect();
            let said = page.metadata;
            json!({
                "articleBody": body.join("\n\n"), "title": said.title, "authors": said.authors,
                "date": said.published,
            })
        }
        "dom_smoothie" => {
            let config = dom_smoothie::Config {
                text_mode: dom_smoothie::TextMode::Formatted,
                ..Default::default()
            };
            let article = dom_smoothie::Readability::new(html, None, Some(config))
                .and_then(|mut readability| readability.parse());
            article.map_or_else(failed, |a| {
                json!({
                    "articleBody": a.text_content.to_string(), "title": a.title, "authors": a.byline,
                    "date": a.published_time,
                })
            })
        }
        "legible" => legible::parse(html, None, None).map_or_else(failed, |a| {
            json!({
                "articleBody": a.text_content, "title": a.title, "authors": a.byline,
                "date": a.published_time,
            })
        }),
        "libreadability" => libreadability::extract(html, None).map_or_else(failed, |a| {
            json!({
                "articleBody": a.text_content, "title": a.title, "authors": a.byline,
                "date": a.published_time,
            })
        }),
        "rs_trafilatura" => rs_trafilatura::extract(html).map_or_else(failed, |a| {
            json!({
                "articleBody": a.content_text, "title": a.metadata.title, "authors": a.metadata.author,
                "date": a.metadata.date.map(|date| date.to_rfc3339()),
            })
        }),
        other => panic!("no tool is called `{other}`"),
    }
}

fn failed(error: impl std::fmt::Display) -> Value {
    json!({ "articleBody": "", "error": error.to_string() })
}

fn unpacked(file: &Path) -> String {
    let packed = fs::read(file).expect("the page can be read");
    let mut bytes = Vec::new();
    flate2::read::MultiGzDecoder::new(packed.as_slice())
        .read_to_end(&mut bytes)
        .expect("the page is whole");
    String::from_utf8_lossy(&bytes).into_owned()
}

fn peak_memory() -> String {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmHWM"));
    line.unwrap_or("peak memory unknown").replace('\t', " ")
}
