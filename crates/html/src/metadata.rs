//! Title, authors, date, publisher and language of a page, from what it tells machines first
//! and from what it shows second.

use copydesk_language::{byline, date};
use dom_query::Document;
use html5ever::local_name;

use crate::json_ld::JsonLd;
use crate::tree::{Tree, letters, one_line};

/// What a page says about its article.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Metadata {
    /// The headline, without the name of the site.
    pub title: Option<String>,
    /// People in the order of the page; an organisation only where no person is named, or
    /// beside them where the page lists it as an author of its own.
    pub authors: Vec<String>,
    /// ISO 8601: a day, or an instant with its offset where the page gives one.
    pub published: Option<String>,
    /// The newspaper, broadcaster or site.
    pub publisher: Option<String>,
    /// BCP 47.
    pub language: Option<String>,
}

impl Metadata {
    pub(crate) fn read(tree: &Tree, data: &JsonLd) -> Self {
        let meta = MetaTags::read(tree);
        let publisher = publisher(data, &meta);
        let sites = sites(&meta, publisher.as_deref());
        Self {
            title: title(tree, data, &meta, &sites),
            authors: authors(tree, data, &meta, publisher.as_deref()),
            published: published(tree, data, &meta),
            language: language(tree, data, &meta),
            publisher,
        }
    }
}

/// What the page says of its article in a sentence or two.
pub(crate) fn descriptions(tree: &Tree, data: &JsonLd) -> Vec<String> {
    let meta = MetaTags::read(tree);
    let keys = ["description", "alternativeHeadline"];
    let tags = [
        "description",
        "og:description",
        "twitter:description",
        "sailthru.description",
    ];
    keys.iter()
        .filter_map(|key| data.text(key))
        .map(plain)
        .chain(meta.first(&tags).map(str::to_owned))
        .collect()
}

/// The `<meta>` tags that carry text, names in small letters.
struct MetaTags(Vec<(String, String)>);

impl MetaTags {
    fn read(tree: &Tree) -> Self {
        let mut tags = Vec::new();
        for node in tree.named(local_name!("meta")) {
            let Some(element) = tree.element(node) else {
                continue;
            };
            let Some(content) = element.attr("content").map(plain).filter(|c| !c.is_empty()) else {
                continue;
            };
            for key in ["property", "name", "itemprop"] {
                if let Some(name) = element.attr(key) {
                    tags.push((name.trim().to_ascii_lowercase(), content.clone()));
                }
            }
        }
        Self(tags)
    }

    fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0
            .iter()
            .filter(move |(key, _)| key == name)
            .map(|(_, content)| content.as_str())
    }

    /// The first tag of the first of `names` that has one.
    fn first<'a>(&'a self, names: &'a [&'a str]) -> impl Iterator<Item = &'a str> {
        names.iter().flat_map(|name| self.all(name))
    }
}

/// One line of text, with entities that were escaped twice and tags that should not be there
/// taken for what they mean.
fn plain(text: &str) -> String {
    if text.contains(['&', '<']) {
        one_line(&Document::fragment(text).text())
    } else {
        one_line(text)
    }
}

fn publisher(data: &JsonLd, meta: &MetaTags) -> Option<String> {
    let named = data
        .named("publisher")
        .into_iter()
        .map(|one| plain(&one.name));
    let tags = [
        "og:site_name",
        "application-name",
        "publisher",
        "dc.publisher",
        "twitter:domain",
    ];
    named
        .chain(meta.first(&tags).map(str::to_owned))
        .find(|name| !name.is_empty() && !is_address(name))
}

/// Names that the site goes by.
fn sites(meta: &MetaTags, publisher: Option<&str>) -> Vec<String> {
    let names = [
        "og:site_name",
        "application-name",
        "twitter:site",
        "twitter:domain",
    ];
    meta.first(&names)
        .chain(publisher)
        .map(letters)
        .filter(|name| !name.is_empty())
        .collect()
}

fn title(tree: &Tree, data: &JsonLd, meta: &MetaTags, sites: &[String]) -> Option<String> {
    let heading = heading(tree);
    let headline = data
        .has_article()
        .then(|| data.text("headline"))
        .flatten()
        .map(plain);
    let tags = [
        "og:title",
        "twitter:title",
        "parsely-title",
        "sailthru.title",
        "dc.title",
    ];
    let tag = meta
        .first(&tags)
        .next()
        .map(|title| without_site(title, sites));
    // Search engines cut headlines at 110 characters, and some sites do it for them.
    let whole = |short: &str, long: &str| {
        let cut = letters(short.trim_end_matches(['.', '…']));
        short.ends_with(['…', '.']) && letters(long).starts_with(&cut)
    };
    let named = match (headline, tag) {
        (Some(short), Some(long)) if whole(&short, &long) => Some(long),
        (Some(one), _) | (None, Some(one)) => Some(one),
        (None, None) => None,
    };
    let named = named.map(|title| match &heading {
        Some(heading) if whole(&title, heading) => heading.clone(),
        _ => without_site(&title, sites),
    });
    named
        .or(heading)
        .or_else(|| {
            let title = tree.named(local_name!("title")).next()?;
            Some(without_site(&plain(&tree.text(title)), sites))
        })
        .filter(|title| !title.is_empty())
}

/// The only first-level heading, or the first that is said to be the headline.
fn heading(tree: &Tree) -> Option<String> {
    let all: Vec<usize> = tree
        .named(local_name!("h1"))
        .filter(|&node| !one_line(&tree.text(node)).is_empty())
        .collect();
    let said = all.iter().copied().find(|&node| {
        tree.element(node)
            .and_then(|element| element.attr("itemprop"))
            .is_some_and(|prop| prop.contains("headline"))
    });
    let one = said.or(match all.as_slice() {
        [one] => Some(*one),
        _ => None,
    })?;
    Some(one_line(&tree.text(one)))
}

/// `Ferries stop | Orla News` without the site's name, or what looks like one.
fn without_site(title: &str, sites: &[String]) -> String {
    const JOINTS: [&str; 8] = [" | ", " - ", " – ", " — ", " :: ", " · ", " » ", " • "];
    let is_site = |piece: &str| {
        let piece = letters(piece);
        !piece.is_empty()
            && sites.iter().any(|site| {
                *site == piece
                    || (piece.len() > 3
                        && (site.contains(&piece)
                            || piece.contains(site.as_str()) && site.len() > 3))
            })
    };
    let mut title = title.trim();
    // A section may stand between the headline and the site.
    for _ in 0..2 {
        let last = JOINTS
            .iter()
            .filter_map(|joint| title.rfind(joint).map(|at| (at, joint.len())))
            .max();
        let Some((at, joint)) = last else { break };
        let (head, tail) = (title[..at].trim(), title[at + joint..].trim());
        if is_site(tail) && !head.is_empty() {
            title = head;
        } else {
            let first = JOINTS
                .iter()
                .filter_map(|joint| title.find(joint).map(|at| (at, joint.len())))
                .min();
            if let Some((at, joint)) = first
                && is_site(&title[..at])
                && sites.contains(&letters(&title[..at]))
            {
                title = title[at + joint..].trim();
            }
            break;
        }
    }
    title.to_owned()
}

fn authors(tree: &Tree, data: &JsonLd, meta: &MetaTags, publisher: Option<&str>) -> Vec<String> {
    let publisher = publisher.map(letters).unwrap_or_default();
    let mut houses: Vec<String> = Vec::new();
    let mut of_data = data.named("author");
    if of_data.is_empty() {
        of_data = data.named("creator");
    }
    let mut people = Vec::new();
    for one in of_data {
        let names = names(&one.name);
        if one.organisation {
            houses.extend(names);
        } else {
            people.extend(names);
        }
    }
    // An author that is only the paper itself may hide one that the page shows.
    let only_house = |names: &[String]| names.iter().all(|name| letters(name) == publisher);
    let mut fallback = Vec::new();
    let sources: [&dyn Fn() -> Vec<String>; 3] =
        [&|| people.clone(), &|| of_meta(meta), &|| shown(tree)];
    for source in sources {
        let found = unique(source());
        if found.is_empty() {
            continue;
        }
        if !only_house(&found) {
            return found;
        }
        if fallback.is_empty() {
            fallback = found;
        }
    }
    if fallback.is_empty() {
        unique(houses)
    } else {
        fallback
    }
}

fn of_meta(meta: &MetaTags) -> Vec<String> {
    const TAGS: [&str; 12] = [
        "author",
        "parsely-author",
        "article:author",
        "article:author_name",
        "sailthru.author",
        "mrf:authors",
        "byl",
        "dc.creator",
        "dcterms.creator",
        "citation_author",
        "og:article:author",
        "cxenseparse:author",
    ];
    TAGS.iter()
        .map(|tag| meta.all(tag).flat_map(names).collect::<Vec<_>>())
        .find(|names| !names.is_empty())
        .unwrap_or_default()
}

/// Authors in what readers see: marked as such, or a byline by its class.
fn shown(tree: &Tree) -> Vec<String> {
    let text_of = |node: usize| {
        let text = one_line(&tree.text(node));
        (!text.is_empty() && text.chars().count() <= 150).then_some(text)
    };
    let elements = || (0..tree.nodes.len()).filter_map(|node| Some((node, tree.element(node)?)));
    let marked: Vec<String> = elements()
        .filter(|(_, element)| {
            let has = |key: &str, value: &str| {
                element
                    .attr(key)
                    .is_some_and(|v| v.split_ascii_whitespace().any(|one| one == value))
            };
            has("rel", "author") || has("itemprop", "author")
        })
        .filter_map(|(node, _)| text_of(node))
        .flat_map(|text| names(&text))
        .filter(|name| byline::is_person(name))
        .collect();
    if !marked.is_empty() {
        return marked;
    }
    elements()
        .filter(|(_, element)| {
            ["class", "id", "data-testid", "data-component"]
                .iter()
                .any(|key| {
                    element.attr(key).is_some_and(|value| {
                        let value = value.to_ascii_lowercase();
                        value.contains("byline") || value.contains("author")
                    })
                })
        })
        .filter_map(|(node, _)| text_of(node))
        .find_map(|text| {
            if let Some(found) = byline::parse(&text)
                && !found.authors.is_empty()
            {
                return Some(found.authors);
            }
            let people: Vec<String> = names(&text)
                .into_iter()
                .filter(|name| byline::is_person(name))
                .collect();
            (!people.is_empty()).then_some(people)
        })
        .unwrap_or_default()
}

/// The names in what a page gives as author: one, or several in a row.
fn names(text: &str) -> Vec<String> {
    let text = plain(text);
    // `Ada Brill (Photo: Orla News)`
    let text = text.split('(').next().unwrap_or_default().trim().to_owned();
    let lower = text.to_lowercase();
    let text = ["by ", "by: ", "written by ", "story by ", "posted by "]
        .iter()
        .find(|by| lower.starts_with(*by))
        .and_then(|by| text.get(by.len()..))
        .unwrap_or(&text);
    let mut out: Vec<String> = Vec::new();
    for piece in text.split([';', '|', '/', '•', '·']) {
        for piece in piece.split(" and ").flat_map(|piece| piece.split(" & ")) {
            let parts: Vec<&str> = piece.split(',').map(str::trim).collect();
            let first_is_name = parts.len() > 1 && byline::is_person(parts[0]);
            for (nth, part) in parts.iter().enumerate() {
                // `Ada Brill, Senior Editor` names one; `Ada Brill, Oskar Venn` two.
                if nth > 0 && first_is_name && !byline::is_person(part) && !byline::is_outlet(part)
                {
                    continue;
                }
                let name = part
                    .trim_matches(|c: char| {
                        c.is_whitespace() || matches!(c, ':' | '-' | '–' | '—' | '*')
                    })
                    .trim_end_matches('.');
                if is_name(name) {
                    out.push(byline::print_name(name));
                }
            }
        }
    }
    // `Smith & Daughters` or `Press and Journal`: a house, cut in two.
    if out.len() > 1 && !out.iter().any(|name| name.contains(' ')) {
        let whole = one_line(text);
        return if is_name(&whole) {
            vec![whole]
        } else {
            Vec::new()
        };
    }
    out
}

fn is_name(text: &str) -> bool {
    text.chars().any(char::is_alphabetic)
        && !is_address(text)
        && text.chars().count() <= 80
        && !text.starts_with('@')
        && !text.chars().any(|c| c.is_ascii_digit())
        && ![
            "admin",
            "administrator",
            "editor",
            "null",
            "undefined",
            "staff",
            "none",
            "author",
        ]
        .contains(&text.to_lowercase().as_str())
}

/// A link or an e-mail address, or a host's name.
fn is_address(text: &str) -> bool {
    let text = text.trim();
    text.contains("://")
        || text.starts_with("www.")
        || text.starts_with('/')
        || (text.contains('@') && text.contains('.') && !text.contains(' '))
}

fn unique(names: Vec<String>) -> Vec<String> {
    let mut out: Vec<String> = Vec::new();
    for name in names {
        if !out.iter().any(|known| letters(known) == letters(&name)) {
            out.push(name);
        }
    }
    out
}

fn published(tree: &Tree, data: &JsonLd, meta: &MetaTags) -> Option<String> {
    const TAGS: [&str; 24] = [
        "article:published_time",
        "article:published",
        "og:published_time",
        "og:article:published_time",
        "datepublished",
        "parsely-pub-date",
        "cxenseparse:recs:publishtime",
        "cxenseparse:publishtime",
        "article.published",
        "published_time",
        "publish-date",
        "publish_date",
        "publication_date",
        "pubdate",
        "ptime",
        "rnews:datepublished",
        "sailthru.date",
        "dc.date.issued",
        "dcterms.created",
        "dcterms.date",
        "dc.date",
        "citation_publication_date",
        "datecreated",
        "date",
    ];
    let said = data.text("datePublished").and_then(iso);
    let tags = meta.first(&TAGS).find_map(iso);
    match (said, tags) {
        // The same moment with its zone says more.
        (Some(day), Some(full)) if day.len() < full.len() && full.starts_with(&day) => Some(full),
        (Some(one), _) | (None, Some(one)) => Some(one),
        (None, None) => data
            .text("dateCreated")
            .and_then(iso)
            .or_else(|| shown_date(tree))
            .or_else(|| data.text("dateModified").and_then(iso)),
    }
}

/// The first date marked as such in what readers see, that of publication before others.
fn shown_date(tree: &Tree) -> Option<String> {
    let read = |node: usize| {
        let element = tree.element(node)?;
        ["datetime", "content", "title"]
            .iter()
            .find_map(|key| element.attr(key).and_then(iso))
            .or_else(|| {
                let text = one_line(&tree.text(node));
                (text.len() < 120).then(|| iso(&text)).flatten()
            })
    };
    let marked = (0..tree.nodes.len()).find_map(|node| {
        let prop = tree.element(node)?.attr("itemprop")?;
        (prop == "datePublished").then(|| read(node)).flatten()
    });
    let times = || tree.named(local_name!("time"));
    marked
        .or_else(|| {
            times()
                .filter(|&node| {
                    let element = tree.element(node);
                    element.is_some_and(|e| e.attr("pubdate").is_some())
                })
                .find_map(read)
        })
        .or_else(|| times().find_map(read))
}

/// A date in any of the usual forms as ISO 8601.
fn iso(text: &str) -> Option<String> {
    let text = text.trim();
    date::find(text)
        .map(|(_, date)| date.to_string())
        .or_else(|| compact(text).and_then(|text| date::find(&text).map(|(_, d)| d.to_string())))
}

/// `20240107T012000Z` and `2024/01/07` in the form that is read.
fn compact(text: &str) -> Option<String> {
    let digits: String = text.chars().take_while(char::is_ascii_digit).collect();
    if digits.len() == 8 {
        return Some(format!(
            "{}-{}-{}",
            &digits[..4],
            &digits[4..6],
            &digits[6..]
        ));
    }
    let slashed = text.replacen('/', "-", 2);
    (slashed != text).then_some(slashed)
}

fn language(tree: &Tree, data: &JsonLd, meta: &MetaTags) -> Option<String> {
    let html = tree
        .named(local_name!("html"))
        .find_map(|node| tree.element(node)?.attr("lang"));
    html.into_iter()
        .chain(data.text("inLanguage"))
        .chain(meta.first(&["og:locale", "dc.language", "language", "content-language"]))
        .find_map(tag)
}

/// `en_GB` as the BCP 47 tag `en-GB`; nothing for what is none.
fn tag(text: &str) -> Option<String> {
    let mut parts = text.trim().split(['-', '_']);
    let language = parts.next()?.to_ascii_lowercase();
    let fits = |part: &str, lengths: std::ops::RangeInclusive<usize>| {
        lengths.contains(&part.len()) && part.bytes().all(|b| b.is_ascii_alphabetic())
    };
    if !fits(&language, 2..=3) {
        return None;
    }
    match parts.next() {
        Some(region) if fits(region, 2..=2) => {
            Some(format!("{language}-{}", region.to_ascii_uppercase()))
        }
        _ => Some(language),
    }
}
