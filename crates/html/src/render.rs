//! The text of a page as browsers show it, block by block.

use html5ever::local_name;

use crate::tree::{Data, Element, Tree};

/// A piece of text that a browser sets apart from others: a paragraph, a heading, an item.
#[derive(Debug, Clone)]
pub(crate) struct Block {
    /// The element whose text it is.
    pub(crate) owner: usize,
    /// First and last text node.
    pub(crate) texts: (usize, usize),
    /// Blanks are one blank; line breaks are those that the page asks for.
    pub(crate) text: String,
    /// Characters that are no blanks.
    pub(crate) chars: usize,
    /// Of these, in links.
    pub(crate) linked: usize,
}

impl Block {
    /// Share of the characters that stand in links.
    pub(crate) fn link_density(&self) -> f32 {
        self.linked as f32 / self.chars.max(1) as f32
    }

    pub(crate) fn words(&self) -> usize {
        self.text.split_whitespace().count()
    }
}

/// All blocks of a page that can be seen, in order.
pub(crate) fn blocks(tree: &Tree) -> Vec<Block> {
    let mut writer = Writer {
        blocks: Vec::new(),
        text: String::new(),
        blank: false,
        texts: None,
        owners: vec![0],
        chars: 0,
        linked: 0,
    };
    let mut open: Vec<Open> = Vec::new();
    let mut at = 1;
    while at < tree.nodes.len() {
        while open.last().is_some_and(|one| one.end <= at) {
            writer.leave(&open.pop().expect("there is a last one"));
        }
        let node = &tree.nodes[at];
        match &node.data {
            Data::Text(text) => {
                let linked = open.iter().any(|one| one.link);
                let kept = open.iter().any(|one| one.pre);
                writer.write(at, text, linked, kept);
            }
            Data::Element(element) => {
                if is_unseen(element) {
                    at = node.end;
                    continue;
                }
                let one = Open::of(tree, at, element);
                writer.enter(at, element, &one);
                open.push(one);
            }
        }
        at += 1;
    }
    while let Some(one) = open.pop() {
        writer.leave(&one);
    }
    writer.flush();
    writer.blocks
}

/// An element whose end is still to come.
struct Open {
    end: usize,
    block: bool,
    link: bool,
    pre: bool,
    quote: bool,
}

impl Open {
    fn of(tree: &Tree, at: usize, element: &Element) -> Self {
        let cell = matches!(&*element.name, "td" | "th");
        Self {
            end: tree.nodes[at].end,
            block: is_block(element) || (cell && holds_blocks(tree, at)),
            link: element.name == local_name!("a") && element.attr("href").is_some(),
            pre: matches!(&*element.name, "pre" | "listing" | "xmp" | "plaintext"),
            quote: element.name == local_name!("q"),
        }
    }
}

struct Writer {
    blocks: Vec<Block>,
    text: String,
    /// A blank is due before the next word.
    blank: bool,
    texts: Option<(usize, usize)>,
    /// Block-level elements that are open, the root first.
    owners: Vec<usize>,
    chars: usize,
    linked: usize,
}

impl Writer {
    fn enter(&mut self, at: usize, element: &Element, one: &Open) {
        if one.block {
            self.flush();
            self.owners.push(at);
        } else if element.name == local_name!("br") {
            if self.text.ends_with('\n') {
                // Two in a row are how old pages end a paragraph.
                self.flush();
            } else if !self.text.is_empty() {
                self.blank = false;
                self.text.push('\n');
            }
        } else if matches!(&*element.name, "td" | "th") {
            if !self.text.is_empty() {
                self.blank = false;
                self.text.push('\t');
            }
        } else if one.quote {
            self.push_str("“");
        }
    }

    fn leave(&mut self, one: &Open) {
        if one.block {
            self.flush();
            self.owners.pop();
        } else if one.quote {
            self.text.push('”');
        }
    }

    fn write(&mut self, at: usize, text: &str, linked: bool, kept: bool) {
        let mut wrote = false;
        for c in text.chars() {
            if kept && c == '\n' {
                if !self.text.is_empty() {
                    self.text.push('\n');
                }
                self.blank = false;
            } else if matches!(c, ' ' | '\t' | '\n' | '\r' | '\u{c}') {
                self.blank = true;
            } else {
                if self.blank && !self.text.is_empty() && !self.text.ends_with(['\n', '\t']) {
                    self.text.push(' ');
                }
                self.blank = false;
                self.text.push(c);
                wrote = true;
                if !c.is_whitespace() {
                    self.chars += 1;
                    self.linked += usize::from(linked);
                }
            }
        }
        if wrote {
            self.texts = Some((self.texts.map_or(at, |(first, _)| first), at));
        }
    }

    fn push_str(&mut self, text: &str) {
        if self.blank && !self.text.is_empty() && !self.text.ends_with(['\n', '\t']) {
            self.text.push(' ');
        }
        self.blank = false;
        self.text.push_str(text);
    }

    fn flush(&mut self) {
        self.blank = false;
        let trimmed = self.text.trim();
        if let Some(texts) = self.texts.take()
            && self.chars > 0
        {
            self.blocks.push(Block {
                owner: *self.owners.last().expect("the root is never left"),
                texts,
                text: trimmed.to_owned(),
                chars: self.chars,
                linked: self.linked,
            });
        }
        self.text.clear();
        self.chars = 0;
        self.linked = 0;
    }
}

/// What browsers set apart, by the style sheet of the HTML standard.
pub(crate) fn is_block(element: &Element) -> bool {
    matches!(
        &*element.name,
        "address"
            | "article"
            | "aside"
            | "blockquote"
            | "body"
            | "caption"
            | "center"
            | "dd"
            | "details"
            | "dialog"
            | "dir"
            | "div"
            | "dl"
            | "dt"
            | "fieldset"
            | "figcaption"
            | "figure"
            | "footer"
            | "form"
            | "frameset"
            | "h1"
            | "h2"
            | "h3"
            | "h4"
            | "h5"
            | "h6"
            | "head"
            | "header"
            | "hgroup"
            | "hr"
            | "html"
            | "legend"
            | "li"
            | "listing"
            | "main"
            | "menu"
            | "nav"
            | "ol"
            | "optgroup"
            | "option"
            | "p"
            | "plaintext"
            | "pre"
            | "search"
            | "section"
            | "summary"
            | "table"
            | "tbody"
            | "tfoot"
            | "thead"
            | "tr"
            | "ul"
            | "xmp"
    )
}

/// Whether a table's cell holds paragraphs, as cells do in pages laid out by tables.
fn holds_blocks(tree: &Tree, cell: usize) -> bool {
    (cell + 1..tree.nodes[cell].end).any(|node| tree.element(node).is_some_and(is_block))
}

/// Elements of which a reader sees no text: by their kind, or because the page hides them.
fn is_unseen(element: &Element) -> bool {
    let kind = matches!(
        &*element.name,
        "applet"
            | "area"
            | "audio"
            | "base"
            | "button"
            | "canvas"
            | "datalist"
            | "embed"
            | "frame"
            | "head"
            | "iframe"
            | "input"
            | "link"
            | "map"
            | "math"
            | "meta"
            | "meter"
            | "noembed"
            | "noframes"
            | "noscript"
            | "object"
            | "param"
            | "progress"
            | "rp"
            | "rt"
            | "script"
            | "select"
            | "source"
            | "style"
            | "svg"
            | "template"
            | "textarea"
            | "title"
            | "track"
            | "video"
    );
    kind || element.attr("hidden").is_some()
        || (element.attr("aria-hidden") == Some("true")
            && !matches!(&*element.name, "body" | "main" | "article"))
        || element.attr("style").is_some_and(|style| {
            let style: String = style
                .chars()
                .filter(|c| !c.is_whitespace())
                .flat_map(char::to_lowercase)
                .collect();
            style.contains("display:none") || style.contains("visibility:hidden")
        })
}
