//! What a page says of its article in JSON-LD, by the terms of <https://schema.org/Article>.

use std::collections::HashMap;

use html5ever::local_name;
use serde_json::{Map, Value};

use crate::tree::Tree;

/// The object that describes the article, and all that its references mean.
pub(crate) struct JsonLd {
    objects: Vec<Map<String, Value>>,
    by_id: HashMap<String, usize>,
    article: Option<usize>,
}

/// Somebody named as author or publisher.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Named {
    pub(crate) name: String,
    /// It says of itself that it is no person.
    pub(crate) organisation: bool,
}

impl JsonLd {
    /// Reads all blocks of the page; those that are no JSON are left out.
    pub(crate) fn read(tree: &Tree) -> Self {
        let mut found = Self {
            objects: Vec::new(),
            by_id: HashMap::new(),
            article: None,
        };
        for script in tree.named(local_name!("script")) {
            let is_data = tree
                .element(script)
                .and_then(|element| element.attr("type"))
                .is_some_and(|kind| kind.to_ascii_lowercase().contains("ld+json"));
            if is_data {
                for value in parse(&tree.text(script)) {
                    found.collect(value);
                }
            }
        }
        found.article = (0..found.objects.len())
            .filter_map(|at| Some((rank(&found.objects[at])?, at)))
            // Of equals the first.
            .min()
            .map(|(_, at)| at);
        found
    }

    /// Objects stand alone, in arrays, and in the `@graph` of others.
    fn collect(&mut self, value: Value) {
        match value {
            Value::Array(values) => values.into_iter().for_each(|value| self.collect(value)),
            Value::Object(mut object) => {
                for inner in ["@graph", "mainEntity"] {
                    if let Some(values @ (Value::Array(_) | Value::Object(_))) =
                        object.shift_remove(inner)
                    {
                        self.collect(values);
                    }
                }
                if let Some(id) = object.get("@id").and_then(Value::as_str) {
                    self.by_id
                        .entry(id.to_owned())
                        .or_insert(self.objects.len());
                }
                self.objects.push(object);
            }
            _ => {}
        }
    }

    /// A text of the article.
    pub(crate) fn text(&self, key: &str) -> Option<&str> {
        let value = self.objects[self.article?].get(key)?;
        let value = match value {
            Value::Array(values) => values.first()?,
            one => one,
        };
        value.as_str().filter(|text| !text.trim().is_empty())
    }

    /// Whether an object of the page says that it is an article, not just some page.
    pub(crate) fn has_article(&self) -> bool {
        self.article
            .is_some_and(|at| rank(&self.objects[at]).is_some_and(|rank| rank < WEB_PAGE))
    }

    /// Who is named under `key` of the article: strings, objects with a name, references to
    /// objects elsewhere on the page, and lists of these.
    pub(crate) fn named(&self, key: &str) -> Vec<Named> {
        let mut out = Vec::new();
        if let Some(value) = self.article.and_then(|at| self.objects[at].get(key)) {
            self.add_named(value, &mut out);
        }
        out
    }

    fn add_named(&self, value: &Value, out: &mut Vec<Named>) {
        match value {
            Value::String(name) => out.push(Named {
                name: name.clone(),
                organisation: false,
            }),
            Value::Array(values) => values.iter().for_each(|value| self.add_named(value, out)),
            Value::Object(object) => {
                let meant = object
                    .get("@id")
                    .and_then(Value::as_str)
                    .and_then(|id| self.by_id.get(id))
                    .map(|&at| &self.objects[at]);
                let with_name = [Some(object), meant]
                    .into_iter()
                    .flatten()
                    .find(|object| object.contains_key("name"));
                let Some(object) = with_name else {
                    return;
                };
                match &object["name"] {
                    Value::String(name) => out.push(Named {
                        name: name.clone(),
                        organisation: types(object).any(|kind| kind.ends_with("Organization")),
                    }),
                    // Lists of names in one object are against the rules, and met.
                    Value::Array(names) => {
                        for name in names.iter().filter_map(Value::as_str) {
                            out.push(Named {
                                name: name.to_owned(),
                                organisation: false,
                            });
                        }
                    }
                    _ => {}
                }
            }
            _ => {}
        }
    }
}

const WEB_PAGE: u8 = 3;

/// How well an object describes the page's article; less is better.
fn rank(object: &Map<String, Value>) -> Option<u8> {
    let rank = types(object)
        .filter_map(|kind| match kind {
            _ if kind.ends_with("NewsArticle") => Some(0),
            _ if kind.ends_with("Article") => Some(1),
            "LiveBlogPosting" | "Report" => Some(1),
            _ if kind.ends_with("Posting") && kind != "JobPosting" => Some(2),
            _ if kind.ends_with("WebPage") => Some(WEB_PAGE),
            _ => None,
        })
        .min()?;
    // A list of other articles has entries of the same type, but only names them.
    let tells = ["headline", "datePublished", "author", "articleBody"];
    tells
        .iter()
        .any(|key| object.contains_key(*key))
        .then_some(rank)
}

fn types(object: &Map<String, Value>) -> impl Iterator<Item = &str> {
    let (one, many) = match object.get("@type") {
        Some(Value::String(kind)) => (Some(kind.as_str()), [].as_slice()),
        Some(Value::Array(kinds)) => (None, kinds.as_slice()),
        _ => (None, [].as_slice()),
    };
    one.into_iter().chain(many.iter().filter_map(Value::as_str))
}

/// The JSON values in a script, as content systems write them: in comments, with line breaks in
/// strings, with a semicolon behind, several in a row.
fn parse(script: &str) -> Vec<Value> {
    let from = script.find(['{', '[']).unwrap_or(script.len());
    let to = script.rfind(['}', ']']).map_or(from, |at| at + 1);
    // `//<![CDATA[` has a bracket of its own.
    let from = script.find("<![CDATA[").map_or(from, |at| {
        let behind = at + "<![CDATA[".len();
        script[behind..]
            .find(['{', '['])
            .map_or(script.len(), |more| behind + more)
    });
    let to = script.rfind("]]>").map_or(to, |at| to.min(at));
    let json: String = script
        .get(from..to)
        .unwrap_or_default()
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    serde_json::Deserializer::from_str(&json)
        .into_iter::<Value>()
        .map_while(Result::ok)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree;

    fn read(scripts: &[&str]) -> JsonLd {
        let html: String = scripts
            .iter()
            .map(|json| format!("<script type='application/ld+json'>{json}</script>"))
            .collect();
        JsonLd::read(&tree::parse(&html).1)
    }

    fn authors(json: &str) -> Vec<String> {
        let found = read(&[json]);
        found.named("author").into_iter().map(|a| a.name).collect()
    }

    #[test]
    fn authors_come_as_objects_strings_lists_and_references() {
        for author in [
            r#""Ada Brill""#,
            r#"{"@type": "Person", "name": "Ada Brill"}"#,
            r#"[{"@type": "Person", "name": "Ada Brill"}]"#,
            r#"{"@type": "Person", "name": ["Ada Brill"]}"#,
        ] {
            let json = format!(r#"{{"@type": "NewsArticle", "author": {author}}}"#);
            assert_eq!(authors(&json), ["Ada Brill"], "{json}");
        }
        let graph = r#"{"@context": "https://schema.org", "@graph": [
            {"@type": "WebPage", "datePublished": "2001-01-01"},
            {"@type": "Article", "headline": "H", "author": {"@id": "/#ada"}},
            {"@type": ["Person"], "@id": "/#ada", "name": "Ada Brill"}]}"#;
        assert_eq!(authors(graph), ["Ada Brill"]);
    }

    #[test]
    fn the_article_is_told_from_the_page_and_from_mere_entries() {
        let found = read(&[
            r#"{"@type": "WebPage", "headline": "page"}"#,
            r#"[{"@type": "NewsArticle", "url": "/other"}]"#,
            r#"{"@type": "ReportageNewsArticle", "headline": "Ferries stop"}"#,
            r#"{"@type": "NewsArticle", "headline": "A second one"}"#,
        ]);
        assert_eq!(found.text("headline"), Some("Ferries stop"));
        assert!(found.has_article());
        let page = read(&[r#"{"@type": "WebPage", "datePublished": "2001-01-01"}"#]);
        assert_eq!(page.text("datePublished"), Some("2001-01-01"));
        assert!(!page.has_article());
    }

    #[test]
    fn what_stands_around_the_json_or_breaks_it_is_survived() {
        for json in [
            "<!-- {\"@type\": \"Article\", \"headline\": \"H\"} -->",
            "//<![CDATA[\n{\"@type\": \"Article\", \"headline\": \"H\"}\n//]]>",
            "{\"@type\": \"Article\", \"headline\": \"H\", \"description\": \"two\nlines\"};",
            "{\"@type\": \"Organization\"}\n{\"@type\": \"Article\", \"headline\": \"H\"}",
        ] {
            assert_eq!(read(&[json]).text("headline"), Some("H"), "{json}");
        }
        for broken in [
            "",
            "{",
            "]]>",
            "null",
            "{\"@type\": \"Article\", \"headline\": ",
            "[[[[",
        ] {
            assert_eq!(read(&[broken]).text("headline"), None, "{broken}");
        }
        let deep = "[".repeat(100_000);
        assert_eq!(read(&[&deep]).text("headline"), None);
    }

    #[test]
    fn an_organisation_says_so() {
        let found = read(&[r#"{"@type": "NewsArticle", "author":
            [{"@type": "NewsMediaOrganization", "name": "Orla News"}, {"@type": "Person", "name": "Ada Brill"}]}"#]);
        let kinds: Vec<bool> = found
            .named("author")
            .iter()
            .map(|a| a.organisation)
            .collect();
        assert_eq!(kinds, [true, false]);
    }
}
