//! Web pages: the text of their article as browsers show it, and what they say about it.
//!
//! [`read`] takes a page apart in four steps: it is parsed by the HTML standard (`tree`), its
//! visible text is laid out in blocks (`render`), the article's blocks are chosen (`content`),
//! and title, authors and date are read from what the page tells machines (`metadata`,
//! `json_ld`). No page is an error: browsers show something of any.

mod content;
mod json_ld;
mod metadata;
mod render;
#[cfg(test)]
mod tests;
mod tree;

use std::ops::Range;

use html5ever::local_name;

use crate::json_ld::JsonLd;
pub use crate::metadata::Metadata;
use crate::render::Block;
use crate::tree::Tree;

/// What a page holds of an article.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Page {
    /// The article's text, one block a line, with a blank line between two.
    pub text: String,
    /// The blocks of the text, in order.
    pub blocks: Vec<TextBlock>,
    /// What the page says about the article.
    pub metadata: Metadata,
    /// Whether there is an article; if not, the text is what else can be read.
    pub is_article: bool,
}

/// A piece of text that a browser sets apart from others.
#[derive(Debug, Clone, PartialEq)]
pub struct TextBlock {
    /// Bytes of [`Page::text`].
    pub range: Range<usize>,
    /// What the markup says of it.
    pub kind: BlockKind,
    /// The element whose text it is, in small letters.
    pub tag: String,
    /// Share of its characters that stand in links, 0 to 1.
    pub link_density: f32,
}

/// What a block is by its markup.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum BlockKind {
    /// A headline or subheading.
    Heading,
    /// Running text, or what looks like it.
    Paragraph,
    /// An entry of a list.
    Item,
    /// A paragraph in a quotation that is set apart.
    Quotation,
    /// A row of a table, cells with tabs between.
    Row,
    /// What stands under a picture or film.
    Caption,
}

impl BlockKind {
    /// The kind as labels of layers say it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Heading => "heading",
            Self::Paragraph => "paragraph",
            Self::Item => "item",
            Self::Quotation => "quotation",
            Self::Row => "row",
            Self::Caption => "caption",
        }
    }
}

/// Reads a page.
///
/// ```
/// let page = copydesk_html::read(
///     "<title>Ferries stop | Orla News</title><meta property=og:site_name content='Orla News'>
///      <nav><a href=/>Home</a></nav>
///      <article><p>The ferries to the outer islands stopped on Friday, and nobody in the \
///      harbour office would say for how long.<p>“Ask the sea,” a clerk said.</article>",
/// );
/// assert!(page.is_article);
/// assert!(page.text.starts_with("The ferries") && page.text.ends_with("\n\n“Ask the sea,” a clerk said."));
/// assert_eq!(page.metadata.title.as_deref(), Some("Ferries stop"));
/// ```
#[must_use]
pub fn read(html: &str) -> Page {
    let (document, tree) = tree::parse(html);
    let data = JsonLd::read(&tree);
    let blocks = render::blocks(&tree);
    let descriptions = metadata::descriptions(&tree, &data);
    let article = content::article(document, &tree, &blocks, &descriptions);
    let mut page = Page {
        metadata: Metadata::read(&tree, &data),
        is_article: article.found,
        ..Page::default()
    };
    for at in article.blocks {
        let block = &blocks[at];
        if !page.text.is_empty() {
            page.text.push_str("\n\n");
        }
        let start = page.text.len();
        page.text.push_str(&block.text);
        page.blocks.push(TextBlock {
            range: start..page.text.len(),
            kind: kind(&tree, block),
            tag: tree
                .element(block.owner)
                .map(|element| element.name.to_string())
                .unwrap_or_default(),
            link_density: block.link_density(),
        });
    }
    page
}

fn kind(tree: &Tree, block: &Block) -> BlockKind {
    if content::is_caption(tree, block) {
        return BlockKind::Caption;
    }
    let name = tree.element(block.owner).map(|element| &*element.name);
    match name {
        Some("h1" | "h2" | "h3" | "h4" | "h5" | "h6") => return BlockKind::Heading,
        Some("tr" | "td" | "th") => return BlockKind::Row,
        _ => {}
    }
    for node in tree.ancestors(block.owner) {
        match tree.element(node).map(|element| &element.name) {
            Some(&local_name!("blockquote")) => return BlockKind::Quotation,
            Some(&(local_name!("li") | local_name!("dt") | local_name!("dd"))) => {
                return BlockKind::Item;
            }
            Some(&(local_name!("article") | local_name!("main"))) => break,
            _ => {}
        }
    }
    BlockKind::Paragraph
}
