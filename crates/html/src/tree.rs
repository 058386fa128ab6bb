//! A page as a flat tree: its elements and texts in the order of the source.

use std::cell::Cell;

use dom_query::{Document, NodeData, NodeRef};
use html5ever::buffer_queue::BufferQueue;
use html5ever::interface::TokenizerResult;
use html5ever::tokenizer::{
    Tag, TagKind, Token, TokenSink, TokenSinkResult, Tokenizer, TokenizerOpts,
};
use html5ever::tree_builder::{TreeBuilder, TreeBuilderOpts, TreeSink};
use html5ever::{Attribute, LocalName};
use tendril::StrTendril;

/// Elements in elements in elements, at most this deep; browsers stop at 512. Pages as they are
/// written stay below 100, and what walks up from every node is slow on more.
const DEEPEST: u32 = 256;

/// The attribute by which elements of the [`Document`] are known in the [`Tree`].
pub(crate) const NODE: &str = "data-copydesk-node";

/// A page in document order: a node's descendants follow it without gap.
pub(crate) struct Tree {
    pub(crate) nodes: Vec<Node>,
}

pub(crate) struct Node {
    /// Index of its parent; that of the root is the root.
    pub(crate) parent: usize,
    /// Index behind its last descendant.
    pub(crate) end: usize,
    pub(crate) data: Data,
}

pub(crate) enum Data {
    Element(Element),
    Text(StrTendril),
}

pub(crate) struct Element {
    pub(crate) name: LocalName,
    attrs: Vec<Attribute>,
}

impl Element {
    /// The value of an attribute, by its name in small letters.
    pub(crate) fn attr(&self, name: &str) -> Option<&str> {
        self.attrs
            .iter()
            .find(|attr| &*attr.name.local == name)
            .map(|attr| &*attr.value)
    }
}

impl Tree {
    pub(crate) fn element(&self, node: usize) -> Option<&Element> {
        match &self.nodes[node].data {
            Data::Element(element) => Some(element),
            Data::Text(_) => None,
        }
    }

    /// Indices of all elements of that name.
    pub(crate) fn named(&self, name: LocalName) -> impl Iterator<Item = usize> {
        (0..self.nodes.len())
            .filter(move |&node| self.element(node).is_some_and(|e| e.name == name))
    }

    /// A node and all around it, from inside out.
    pub(crate) fn ancestors(&self, node: usize) -> impl Iterator<Item = usize> {
        std::iter::successors(Some(node), |&node| {
            (node > 0).then(|| self.nodes[node].parent)
        })
    }

    /// Whether a node is no text, or text of blanks alone; scripts have none that is read.
    pub(crate) fn is_blank(&self, node: usize) -> bool {
        match &self.nodes[node].data {
            Data::Element(_) => true,
            Data::Text(text) => {
                text.chars().all(char::is_whitespace)
                    || self
                        .element(self.nodes[node].parent)
                        .is_some_and(|e| matches!(&*e.name, "script" | "style" | "noscript"))
            }
        }
    }

    /// The text in a node as it stands in the source.
    pub(crate) fn text(&self, node: usize) -> String {
        let mut text = String::new();
        for inner in &self.nodes[node..self.nodes[node].end] {
            if let Data::Text(piece) = &inner.data {
                text.push_str(piece);
            }
        }
        text
    }
}

/// Parses a page as browsers do, which know no malformed page, only odd ones. Every element of
/// the document bears its index in the tree as attribute [`NODE`].
pub(crate) fn parse(html: &str) -> (Document, Tree) {
    let options = TreeBuilderOpts {
        scripting_enabled: false,
        ..TreeBuilderOpts::default()
    };
    let builder = TreeBuilder::new(Document::default(), options);
    let shallow = Shallow {
        builder,
        open: Cell::new(0),
        left_out: Cell::new(0),
    };
    let tokenizer = Tokenizer::new(shallow, TokenizerOpts::default());
    let input = BufferQueue::default();
    input.push_back(StrTendril::from_slice(html));
    // It pauses where a browser would run a script, or load the page again in another encoding.
    while !matches!(tokenizer.feed(&input), TokenizerResult::Done) {}
    tokenizer.end();
    let document = tokenizer.sink.builder.sink.finish();
    let tree = flatten(&document);
    (document, tree)
}

/// Passes on tokens, but no start tags below [`DEEPEST`], nor their end tags: what stands in
/// them stands in their parent then.
struct Shallow<Handle, Sink> {
    builder: TreeBuilder<Handle, Sink>,
    open: Cell<u32>,
    left_out: Cell<u32>,
}

impl<Handle, Sink> TokenSink for Shallow<Handle, Sink>
where
    Handle: Clone,
    Sink: TreeSink<Handle = Handle>,
{
    type Handle = Handle;

    fn process_token(&self, token: Token, line_number: u64) -> TokenSinkResult<Handle> {
        if let Token::TagToken(tag) = &token
            && nests(tag)
        {
            let (open, left_out) = (self.open.get(), self.left_out.get());
            match tag.kind {
                TagKind::StartTag if open < DEEPEST => self.open.set(open + 1),
                TagKind::StartTag => {
                    self.left_out.set(left_out + 1);
                    return TokenSinkResult::Continue;
                }
                TagKind::EndTag if left_out > 0 => {
                    self.left_out.set(left_out - 1);
                    return TokenSinkResult::Continue;
                }
                TagKind::EndTag => self.open.set(open.saturating_sub(1)),
            }
        }
        self.builder.process_token(token, line_number)
    }

    fn end(&self) {
        self.builder.end();
    }

    fn adjusted_current_node_present_but_not_in_html_namespace(&self) -> bool {
        self.builder
            .adjusted_current_node_present_but_not_in_html_namespace()
    }
}

/// Whether elements of this tag stand in each other without end. Tags that are left unclosed
/// by rule don't: a start tag of their kind closes them.
fn nests(tag: &Tag) -> bool {
    !tag.self_closing
        && !matches!(
            &*tag.name,
            // Void.
            "area" | "base" | "br" | "col" | "embed" | "hr" | "img" | "input" | "link" | "meta"
                | "param" | "source" | "track" | "wbr"
                // Closed by another.
                | "body" | "button" | "caption" | "colgroup" | "dd" | "dt" | "head" | "html"
                | "li" | "optgroup" | "option" | "p" | "rp" | "rt" | "tbody" | "td" | "tfoot"
                | "th" | "thead" | "tr"
                // Hold text alone; their start tag tells the tokenizer so.
                | "iframe" | "noembed" | "noframes" | "noscript" | "plaintext" | "script"
                | "style" | "textarea" | "title" | "xmp"
        )
}

fn flatten(document: &Document) -> Tree {
    let root = Node {
        parent: 0,
        end: 0,
        data: Data::Text(StrTendril::new()),
    };
    let mut nodes = vec![root];
    let mut parent = 0;
    let mut at = document.root();
    loop {
        let entered = enter(&at, &mut nodes, parent);
        if let Some(index) = entered
            && let Some(child) = at.first_child()
        {
            parent = index;
            at = child;
            continue;
        }
        if let Some(index) = entered {
            nodes[index].end = nodes.len();
        }
        // Up to where there is a next one.
        loop {
            if let Some(next) = at.next_sibling() {
                at = next;
                break;
            }
            let Some(up) = at.parent() else {
                let end = nodes.len();
                nodes[0].end = end;
                return Tree { nodes };
            };
            at = up;
            nodes[parent].end = nodes.len();
            parent = nodes[parent].parent;
        }
    }
}

/// Takes a node over, if it is of a kind that counts, and says under which index.
fn enter(at: &NodeRef<'_>, nodes: &mut Vec<Node>, parent: usize) -> Option<usize> {
    if at.is_document() {
        return Some(0);
    }
    let index = nodes.len();
    let data = at.query(|node| match &node.data {
        NodeData::Element(element) => Some(Data::Element(Element {
            name: element.name.local.clone(),
            attrs: element.attrs.clone(),
        })),
        NodeData::Text { contents } => Some(Data::Text(contents.clone())),
        _ => None,
    })??;
    if matches!(&data, Data::Element(_)) {
        at.set_attr(NODE, &index.to_string());
    }
    nodes.push(Node {
        parent,
        end: index + 1,
        data,
    });
    Some(index)
}

/// `text` with runs of blanks as one blank, none at the ends.
pub(crate) fn one_line(text: &str) -> String {
    let mut line = String::with_capacity(text.len());
    for word in text.split_whitespace() {
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    line
}

/// The letters and digits of a text, in small letters: what is left where two texts may differ in
/// punctuation alone.
pub(crate) fn letters(text: &str) -> String {
    text.chars()
        .filter(|c| c.is_alphanumeric())
        .flat_map(char::to_lowercase)
        .collect()
}
