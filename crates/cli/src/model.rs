//! `copydesk model get`: a model from the hub into a folder, for the stages that read models of its form.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use hf_hub::api::sync::{ApiBuilder, ApiError, ApiRepo};
use hf_hub::{Repo, RepoType};
use sha2::{Digest, Sha256};

use crate::args::{ModelGet, Voice};
use crate::voice;

/// What is fetched beside the weights, as far as the model has it.
const FILES: [&str; 9] = [
    "config.json",
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "vocab.txt",
    "vocab.json",
    "merges.txt",
    "README.md",
    "LICENSE",
];

/// One of these is fetched: the first that the model has.
const WEIGHTS: [&str; 3] = ["model.safetensors", "rust_model.ot", "pytorch_model.bin"];

pub(crate) fn get(args: &ModelGet, voice: &Voice) -> Result<u8> {
    let folder = match &args.into {
        Some(folder) => folder.clone(),
        None => Path::new("models").join(&args.name),
    };
    ensure!(
        args.overwrite || !folder.exists(),
        "{} is there already; --overwrite replaces it, --into names another folder",
        folder.display()
    );
    let hub = Hub {
        endpoint: std::env::var("HF_ENDPOINT").ok(),
        token: std::env::var("HF_TOKEN").ok(),
        progress: !voice.quiet && !voice::is_json(),
    };
    let names = hub.fetch(&args.name, &args.revision, &folder)?;
    let licence = fs::read_to_string(folder.join("README.md")).ok();
    let licence = licence.as_deref().and_then(licence_of);
    voice::say(format_args!(
        "{}: {}\nlicence by its card: {}",
        folder.display(),
        names.join(", "),
        licence.unwrap_or("none named, which is no permission")
    ));
    Ok(0)
}

/// Checks `ORG/NAME` on the command line.
pub(crate) fn name(text: &str) -> Result<String, String> {
    let part = |part: &str| {
        let known = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        !part.is_empty() && !part.starts_with('.') && part.chars().all(known)
    };
    match text.split('/').collect::<Vec<_>>()[..] {
        [org, name] if part(org) && part(name) => Ok(text.to_owned()),
        [one] if part(one) => Ok(text.to_owned()),
        _ => Err("a model of the hub is called ORG/NAME".to_owned()),
    }
}

/// Where models are, and who asks.
struct Hub {
    /// `None` = the public one.
    endpoint: Option<String>,
    token: Option<String>,
    progress: bool,
}

impl Hub {
    /// Fetches a model into `folder` and says which files it has now.
    fn fetch(&self, name: &str, revision: &str, folder: &Path) -> Result<Vec<&'static str>> {
        // What is whole stands under its name, what is not beside it, where the next try goes on with it.
        let part = with_suffix(folder, ".part");
        let cache = part.join("cache");
        fs::create_dir_all(&cache).with_context(|| format!("cannot make {}", part.display()))?;
        let mut api = ApiBuilder::new()
            .with_cache_dir(cache.clone())
            .with_token(self.token.clone())
            .with_progress(self.progress)
            .with_user_agent("copydesk", env!("CARGO_PKG_VERSION"));
        if let Some(endpoint) = &self.endpoint {
            api = api.with_endpoint(endpoint.trim_end_matches('/').to_owned());
        }
        let api = api.build().context("cannot ask the hub")?;
        let repo = Repo::with_revision(name.to_owned(), RepoType::Model, revision.to_owned());
        let repo = api.repo(repo);
        let info = repo
            .info()
            .map_err(|error| not_found(error, name, revision))?;
        let there: BTreeSet<String> = info
            .siblings
            .into_iter()
            .map(|file| file.rfilename)
            .collect();
        let names = wanted(name, &there)?;
        for file in &names {
            download(&repo, file, &part).with_context(|| {
                format!(
                    "cannot fetch {file} of {name}; the same command goes on where this one stopped"
                )
            })?;
        }
        fs::remove_dir_all(&cache).with_context(|| format!("cannot remove {}", cache.display()))?;
        if folder.exists() {
            fs::remove_dir_all(folder)
                .with_context(|| format!("cannot replace {}", folder.display()))?;
        }
        fs::rename(&part, folder).with_context(|| format!("cannot rename {}", part.display()))?;
        Ok(names)
    }
}

/// Which of a model's files are fetched.
fn wanted(name: &str, there: &BTreeSet<String>) -> Result<Vec<&'static str>> {
    let mut names: Vec<&'static str> = FILES
        .into_iter()
        .filter(|file| there.contains(*file))
        .collect();
    ensure!(
        names.contains(&"config.json"),
        "{name} has no config.json: it is no model that a stage can run"
    );
    match WEIGHTS.into_iter().find(|file| there.contains(*file)) {
        Some(weights) => names.push(weights),
        None if there.contains("model.safetensors.index.json") => {
            bail!("the weights of {name} are cut into several files, which no stage reads")
        }
        None => bail!(
            "{name} has no weights that a stage reads: none of {}",
            WEIGHTS.join(", ")
        ),
    }
    Ok(names)
}

fn download(repo: &ApiRepo, file: &str, folder: &Path) -> Result<()> {
    let place = folder.join(file);
    if place.exists() {
        return Ok(());
    }
    let pointer = repo.get(file)?;
    // The hub's cache keeps files by their tags, and names that point to them.
    let blob = fs::canonicalize(&pointer)?;
    let tag = blob
        .file_name()
        .map(|name| name.to_string_lossy().into_owned())
        .unwrap_or_default();
    // The tag of a large file is its SHA-256.
    if tag.len() == 64 && tag.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        let found = sha256(&blob)?;
        if found != tag {
            fs::remove_file(&blob).ok();
            fs::remove_file(&pointer).ok();
            bail!("what came has the SHA-256 {found}, and the hub says {tag}");
        }
    }
    fs::rename(&blob, &place)?;
    Ok(())
}

fn sha256(file: &Path) -> io::Result<String> {
    let mut sum = Sha256::new();
    let mut open = File::open(file)?;
    let mut piece = vec![0; 1 << 20];
    loop {
        let read = open.read(&mut piece)?;
        if read == 0 {
            return Ok(sum
                .finalize()
                .iter()
                .map(|byte| format!("{byte:02x}"))
                .collect());
        }
        sum.update(&piece[..read]);
    }
}

fn not_found(error: ApiError, name: &str, revision: &str) -> anyhow::Error {
    // The hub answers 401 where it does not want to say whether there is such a model.
    let said = error.to_string();
    if ["401", "403", "404"]
        .iter()
        .any(|status| said.ends_with(status))
    {
        return anyhow::anyhow!(
            "the hub has no model `{name}` with revision `{revision}` for us; if it is not open to all, HF_TOKEN says \
             who asks"
        );
    }
    anyhow::Error::new(error)
        .context("cannot ask the hub; a machine without internet needs the folder by other ways")
}

/// `license` in the head of a model card.
fn licence_of(card: &str) -> Option<&str> {
    let head = card.strip_prefix("---")?.split("\n---").next()?;
    let line = head
        .lines()
        .find_map(|line| line.strip_prefix("license:"))?;
    Some(line.trim().trim_matches(['"', '\''])).filter(|licence| !licence.is_empty())
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;
    use std::io::{BufRead, BufReader, Write};
    use std::net::{TcpListener, TcpStream};
    use std::sync::{Arc, Mutex};

    use super::*;

    /// A hub on this machine with one model, `skarn/small`.
    struct LocalHub {
        address: String,
        asked: Arc<Mutex<Vec<String>>>,
    }

    impl LocalHub {
        fn new(files: &[(&str, &str)]) -> Self {
            let listener = TcpListener::bind("127.0.0.1:0").unwrap();
            let address = format!("http://{}", listener.local_addr().unwrap());
            let files: HashMap<String, String> = files
                .iter()
                .map(|(name, text)| ((*name).to_owned(), (*text).to_owned()))
                .collect();
            let asked = Arc::new(Mutex::new(Vec::new()));
            let log = asked.clone();
            std::thread::spawn(move || {
                for stream in listener.incoming() {
                    answer(stream.unwrap(), &files, &log);
                }
            });
            Self { address, asked }
        }

        fn fetch(&self, name: &str, folder: &Path) -> Result<Vec<&'static str>> {
            let hub = Hub {
                endpoint: Some(format!("{}/", self.address)),
                token: None,
                progress: false,
            };
            hub.fetch(name, "main", folder)
        }

        fn asked_for(&self, part: &str) -> usize {
            self.asked
                .lock()
                .unwrap()
                .iter()
                .filter(|line| line.contains(part))
                .count()
        }
    }

    fn answer(mut stream: TcpStream, files: &HashMap<String, String>, log: &Mutex<Vec<String>>) {
        let mut reader = BufReader::new(stream.try_clone().unwrap());
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        let path = line.split(' ').nth(1).unwrap_or_default().to_owned();
        let mut from = 0;
        let mut to = None;
        loop {
            let mut header = String::new();
            if reader.read_line(&mut header).unwrap() == 0 || header.trim().is_empty() {
                break;
            }
            if let Some(range) = header.to_ascii_lowercase().strip_prefix("range: bytes=") {
                let (start, end) = range.trim().split_once('-').unwrap();
                from = start.parse().unwrap();
                to = end.parse::<usize>().ok();
            }
        }
        log.lock().unwrap().push(path.clone());
        let respond = |stream: &mut TcpStream, status: &str, headers: &str, body: &[u8]| {
            let length = body.len();
            write!(stream, "HTTP/1.1 {status}\r\nConnection: close\r\nContent-Length: {length}\r\n{headers}\r\n").unwrap();
            stream.write_all(body).unwrap();
        };
        if path.starts_with("/api/models/skarn/small") {
            let siblings: Vec<_> = files
                .keys()
                .map(|name| serde_json::json!({ "rfilename": name }))
                .collect();
            let body = serde_json::json!({ "sha": "c0ffee", "siblings": siblings }).to_string();
            return respond(
                &mut stream,
                "200 OK",
                "Content-Type: application/json\r\n",
                body.as_bytes(),
            );
        }
        let name = path.strip_prefix("/skarn/small/resolve/main/");
        let Some((name, text)) = name.and_then(|name| files.get(name).map(|text| (name, text)))
        else {
            return respond(&mut stream, "404 Not Found", "", b"");
        };
        let bytes = text.as_bytes();
        let to = to.map_or(bytes.len(), |to| (to + 1).min(bytes.len()));
        // As the hub: the tag of weights is their sum, of other files anything.
        let tag = if name == "model.safetensors" {
            Sha256::digest(b"weights")
                .iter()
                .map(|byte| format!("{byte:02x}"))
                .collect()
        } else {
            format!("tag-of-{name}")
        };
        let headers = format!(
            "ETag: \"{tag}\"\r\nX-Repo-Commit: c0ffee\r\nContent-Range: bytes {from}-{}/{}\r\n",
            to.max(1) - 1,
            bytes.len()
        );
        respond(
            &mut stream,
            "206 Partial Content",
            &headers,
            &bytes[from.min(to)..to],
        );
    }

    #[test]
    fn what_stages_read_of_a_model_lands_in_its_folder() {
        let hub = LocalHub::new(&[
            ("config.json", "{}"),
            ("tokenizer.json", "{\"version\": \"1.0\"}"),
            (
                "README.md",
                "---\nlanguage: en\nlicense: mit\n---\n# A card\n",
            ),
            ("model.safetensors", "weights"),
            ("pytorch_model.bin", "the same weights, larger"),
            ("training_args.bin", "nobody's business"),
        ]);
        let place = tempfile::tempdir().unwrap();
        let folder = place.path().join("models/skarn/small");
        let names = hub.fetch("skarn/small", &folder).unwrap();
        assert_eq!(
            names,
            [
                "config.json",
                "tokenizer.json",
                "README.md",
                "model.safetensors"
            ]
        );
        assert_eq!(
            fs::read_to_string(folder.join("model.safetensors")).unwrap(),
            "weights"
        );
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 4);
        assert_eq!(
            fs::read_dir(folder.parent().unwrap()).unwrap().count(),
            1,
            "nothing half-done is left"
        );
        assert_eq!(hub.asked_for(".bin"), 0);
        let card = fs::read_to_string(folder.join("README.md")).unwrap();
        assert_eq!(licence_of(&card), Some("mit"));
    }

    #[test]
    fn weights_that_are_not_what_the_hub_says_are_refused_and_fetched_anew() {
        let hub = LocalHub::new(&[
            ("config.json", "{}"),
            ("model.safetensors", "not the weights"),
        ]);
        let place = tempfile::tempdir().unwrap();
        let folder = place.path().join("small");
        let error = format!("{:#}", hub.fetch("skarn/small", &folder).unwrap_err());
        assert!(
            error.contains("model.safetensors") && error.contains("SHA-256"),
            "{error}"
        );
        assert!(!folder.exists(), "half a model has not the name of one");
        // What was whole is kept for the next try.
        let before = hub.asked_for("config.json");
        hub.fetch("skarn/small", &folder).unwrap_err();
        assert_eq!(hub.asked_for("config.json"), before);
        assert!(hub.asked_for("model.safetensors") >= 4);
    }

    #[test]
    fn models_that_are_not_there_or_cannot_be_run_are_named() {
        let hub = LocalHub::new(&[("README.md", "no model")]);
        let place = tempfile::tempdir().unwrap();
        let fetch = |hub: &LocalHub, name| {
            format!(
                "{:#}",
                hub.fetch(name, &place.path().join("x")).unwrap_err()
            )
        };
        assert!(fetch(&hub, "skarn/none").contains("no model `skarn/none`"));
        assert!(fetch(&hub, "skarn/small").contains("no config.json"));
        let hub = LocalHub::new(&[("config.json", "{}"), ("tf_model.h5", "")]);
        assert!(fetch(&hub, "skarn/small").contains("none of model.safetensors"));
        let hub = LocalHub::new(&[
            ("config.json", "{}"),
            ("model.safetensors.index.json", "{}"),
        ]);
        assert!(fetch(&hub, "skarn/small").contains("several files"));
        let closed = TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap();
        let gone = LocalHub {
            address: format!("http://{closed}"),
            asked: Arc::default(),
        };
        assert!(fetch(&gone, "skarn/small").contains("cannot ask the hub"));
    }

    #[test]
    fn names_that_lead_elsewhere_are_refused() {
        for good in ["dslim/bert-base-NER", "gpt2", "A_b/c.d-1"] {
            assert_eq!(name(good).as_deref(), Ok(good));
        }
        for bad in [
            "",
            "/x",
            "a/b/c",
            "../x",
            "a/..",
            "a b/c",
            "https://hub/a/b",
        ] {
            assert!(name(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_card_without_a_licence_names_none() {
        assert_eq!(licence_of("# A card\nlicense: mit\n"), None);
        assert_eq!(licence_of("---\nlanguage: en\n---\nlicense: mit\n"), None);
        assert_eq!(
            licence_of("---\nlicense: 'cc-by-4.0'\n---\n"),
            Some("cc-by-4.0")
        );
    }
}
