//! Web pages as documents: the article's text as raw, what the page says about it as metadata,
//! and what its markup says of each piece of text as a layer.

use copydesk_document::{Map, NewDocument, NewLayer, NewSpan, NewValue, Value};
use copydesk_html::Metadata;

use crate::decode::{Note, decode_page};

/// The layer that tells stages what the markup of a web page says of its text: one span in raw
/// for each block, labelled `heading`, `paragraph`, `item`, `quotation`, `row` or `caption`,
/// with the attributes `tag` (text, the element's name) and `link_density` (float, 0 to 1).
/// It is transient: what of it matters in the end, stages say in layers of their own.
pub const MARKUP: &str = "markup";

/// What a page gives to a document.
#[derive(Default)]
pub(crate) struct Rendered {
    pub(crate) raw: String,
    pub(crate) meta: Map<String, Value>,
    pub(crate) layers: Vec<NewLayer>,
    pub(crate) notes: Vec<Note>,
}

/// The document that a [`Reader`](crate::Reader) makes of the bytes of a page, without an id and
/// without warnings about its encoding.
pub fn page(bytes: &[u8]) -> NewDocument {
    let page = render(&decode_page(bytes).text);
    NewDocument {
        media_type: "text/html".to_owned(),
        meta: page.meta,
        layers: page.layers,
        ..NewDocument::new("", page.raw)
    }
}

/// Reads the source of a page.
pub(crate) fn render(html: &str) -> Rendered {
    let page = copydesk_html::read(html);
    let mut notes = Vec::new();
    if page.text.is_empty() {
        notes.push(Note {
            code: "empty",
            message: "the page has no text that a reader would see".to_owned(),
        });
    } else if !page.is_article {
        notes.push(Note {
            code: "no-article",
            message: "no article was found on this page; its text is what stands outside of \
                      links and menus"
                .to_owned(),
        });
    }
    let spans = page
        .blocks
        .iter()
        .map(|block| NewSpan {
            range: block.range.start as u32..block.range.end as u32,
            label: Some(block.kind.name().to_owned()),
            attrs: vec![
                ("tag", NewValue::Text(block.tag.clone())),
                (
                    "link_density",
                    NewValue::Float(f64::from(block.link_density)),
                ),
            ],
        })
        .collect();
    Rendered {
        raw: page.text,
        meta: meta(page.metadata),
        layers: vec![NewLayer {
            name: MARKUP.to_owned(),
            transient: true,
            spans,
        }],
        notes,
    }
}

fn meta(said: Metadata) -> Map<String, Value> {
    let mut meta = Map::new();
    let texts = [
        ("title", said.title),
        ("published", said.published),
        ("publisher", said.publisher),
        ("language", said.language),
    ];
    for (key, text) in texts {
        if let Some(text) = text {
            meta.insert(key.to_owned(), text.into());
        }
    }
    if !said.authors.is_empty() {
        meta.insert("authors".to_owned(), said.authors.into());
    }
    meta
}
