//! Which blocks of a page are its article.
//!
//! Two judgements are put together. The first is ours: paragraphs that read like prose vote for
//! the elements around them, and the smallest element that holds most of the votes is the
//! article's; within it, what its markup calls something else (navigation, comments, a sign-up)
//! is left out. The second is that of Readability's algorithm, which looks at the same page in
//! another way: it decides which kinds of places within that element hold the text. Either alone
//! does worse (see `docs/html.md`).

use std::collections::HashSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::LazyLock;

use dom_query::Document;
use dom_smoothie::{Config, Readability};
use regex::Regex;

use crate::render::Block;
use crate::tree::{Element, NODE, Tree, letters};

/// What was chosen of a page.
pub(crate) struct Article {
    /// Indices of blocks, ascending.
    pub(crate) blocks: Vec<usize>,
    /// Whether there is an article; if not, the blocks are what may be text.
    pub(crate) found: bool,
}

/// Chooses among `blocks`; `descriptions` are what the page says of itself in a sentence or two.
pub(crate) fn article(
    document: Document,
    tree: &Tree,
    blocks: &[Block],
    descriptions: &[String],
) -> Article {
    let scene = Scene::new(tree, blocks);
    let Some(container) = scene.container() else {
        return scene.best_effort();
    };
    let readable = readable(document, tree, blocks);
    let mut chosen = scene.inside(scene.widened(container, &readable));
    scene.only_kin(&mut chosen, &readable);
    if chosen
        .iter()
        .map(|&at| scene.prose_words(at))
        .sum::<usize>()
        < FEWEST_WORDS
    {
        return scene.best_effort();
    }
    scene.add_standfirst(&mut chosen, descriptions);
    Article {
        blocks: chosen,
        found: true,
    }
}

/// Whether a block is a picture's caption or credit.
pub(crate) fn is_caption(tree: &Tree, block: &Block) -> bool {
    // Pictures float in paragraphs, too, but a box of its own with one line is the picture's.
    let paragraph = tree
        .element(block.owner)
        .is_some_and(|e| matches!(&*e.name, "p" | "td" | "body"));
    if !paragraph
        && (is_picture_box(tree, block.owner, block)
            || is_picture_box(tree, tree.nodes[block.owner].parent, block))
    {
        return true;
    }
    let mut quotes = false;
    for node in tree.ancestors(block.owner) {
        let Some(element) = tree.element(node) else {
            continue;
        };
        match &*element.name {
            "figcaption" => return true,
            // Quotations and tables are figures too.
            "figure" => return !quotes,
            "blockquote" | "table" => quotes = true,
            "body" | "html" | "main" | "article" => return false,
            _ => {}
        }
        if CAPTION.is_match(&words_of(element)) {
            return true;
        }
    }
    false
}

/// Whether an element holds a picture, and no other text than this block.
fn is_picture_box(tree: &Tree, node: usize, block: &Block) -> bool {
    let range = node + 1..tree.nodes[node].end;
    let pictured = || {
        range.clone().any(|inner| {
            tree.element(inner)
                .is_some_and(|e| matches!(&*e.name, "img" | "picture"))
        })
    };
    let alone = || {
        range
            .clone()
            .all(|inner| (block.texts.0..=block.texts.1).contains(&inner) || tree.is_blank(inner))
    };
    block.words() <= 60 && pictured() && alone()
}

/// An article has at least so many words in paragraphs.
const FEWEST_WORDS: usize = 20;

/// A block of so many words can be a paragraph.
const PROSE_WORDS: usize = 10;

/// An element holds the article if it has this share of the votes for the one around it.
const SHARE: f32 = 0.65;

/// What an element's markup says against the text in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Objection {
    None,
    /// Its name is used for parts of articles, too.
    Weak,
    Strong,
}

struct Scene<'a> {
    tree: &'a Tree,
    blocks: &'a [Block],
    /// By node, for elements around blocks.
    objections: Vec<Objection>,
    /// By block: how much it speaks for the elements around it.
    votes: Vec<f32>,
}

impl<'a> Scene<'a> {
    fn new(tree: &'a Tree, blocks: &'a [Block]) -> Self {
        let captions: Vec<bool> = blocks.iter().map(|block| is_caption(tree, block)).collect();
        let words: Vec<Option<String>> = words_around(tree, blocks);
        let prose: Vec<bool> = blocks
            .iter()
            .zip(&captions)
            .map(|(block, caption)| {
                !caption && block.words() >= PROSE_WORDS && block.link_density() < 0.4
            })
            .collect();
        let objections = objections(tree, blocks, &prose, &words);
        let votes = blocks
            .iter()
            .zip(&prose)
            .map(|(block, prose)| {
                if !prose {
                    return 0.0;
                }
                let worst = tree
                    .ancestors(block.owner)
                    .map(|node| objections[node])
                    .max()
                    .unwrap_or(Objection::None);
                let belief = match worst {
                    Objection::None => 1.0,
                    Objection::Weak => 0.3,
                    Objection::Strong => 0.1,
                };
                let tag = tree.element(block.owner).is_some_and(|e| &*e.name == "p");
                block.chars.min(LONG) as f32
                    * (1.0 - block.link_density())
                    * belief
                    * if tag { 1.3 } else { 1.0 }
            })
            .collect();
        Self {
            tree,
            blocks,
            objections,
            votes,
        }
    }

    /// The smallest element with most of the votes, and around a paragraph; none if nobody votes.
    fn container(&self) -> Option<usize> {
        let mut total = vec![0.0f32; self.tree.nodes.len()];
        for (block, vote) in self.blocks.iter().zip(&self.votes) {
            if *vote > 0.0 {
                for node in self.tree.ancestors(block.owner) {
                    total[node] += vote;
                }
            }
        }
        if total[0] <= 0.0 {
            return None;
        }
        let mut at = 0;
        loop {
            let end = self.tree.nodes[at].end;
            let mut child = at + 1;
            let mut best = None;
            while child < end {
                if total[child] >= SHARE * total[at] {
                    best = Some(child);
                    break;
                }
                child = self.tree.nodes[child].end;
            }
            match best {
                Some(child) => at = child,
                None => break,
            }
        }
        // One long paragraph may have most of the votes: the short ones beside it belong to it.
        let alone = self
            .blocks
            .iter()
            .filter(|block| (at..self.tree.nodes[at].end).contains(&block.owner))
            .nth(1)
            .is_none();
        Some(if alone {
            self.tree.nodes[at].parent
        } else {
            at
        })
    }

    /// The container, or the smallest element around it that also holds the paragraphs that
    /// Readability finds elsewhere, if both mean the same article: a text can be cut in parts,
    /// by advertisements or the place where readers are to pay.
    fn widened(&self, container: usize, readable: &[bool]) -> usize {
        let end = |node: usize| self.tree.nodes[node].end;
        let agreed: Vec<usize> = (0..self.blocks.len())
            .filter(|&at| readable[at] && self.votes[at] > 0.0)
            .filter(|&at| !self.objected(self.blocks[at].owner, 0))
            .collect();
        let holds = |node: usize, at: usize| (node..end(node)).contains(&self.blocks[at].owner);
        let sum = |inside: &dyn Fn(usize) -> bool| {
            agreed
                .iter()
                .filter(|&&at| inside(at))
                .map(|&at| self.votes[at])
                .sum::<f32>()
        };
        let all = sum(&|_| true);
        if sum(&|at| holds(container, at)) < 0.5 * all {
            return container;
        }
        self.tree
            .ancestors(container)
            .find(|&node| agreed.iter().all(|&at| holds(node, at)))
            .unwrap_or(container)
    }

    /// The blocks in the container to which nothing between it and them objects.
    fn inside(&self, container: usize) -> Vec<usize> {
        let range = container..self.tree.nodes[container].end;
        (0..self.blocks.len())
            .filter(|&at| {
                let block = &self.blocks[at];
                range.contains(&block.owner)
                    && !self.objected(block.owner, container)
                    && (block.link_density() <= 0.5 || block.words() >= 25)
            })
            .collect()
    }

    fn objected(&self, owner: usize, container: usize) -> bool {
        self.tree
            .ancestors(owner)
            .take_while(|&node| node != container)
            .any(|node| self.objections[node] != Objection::None)
    }

    /// Leaves of the chosen blocks those that Readability keeps too, and those that stand in
    /// the same kind of place as a paragraph that it keeps: teasers of other articles read like
    /// paragraphs, but stand in boxes of their own. Where the two judgements have little in
    /// common, Readability has taken something else for the article.
    fn only_kin(&self, chosen: &mut Vec<usize>, readable: &[bool]) {
        let both: Vec<usize> = chosen
            .iter()
            .copied()
            .filter(|&at| self.votes[at] > 0.0 && readable[at])
            .collect();
        let sum = |of: &[usize]| of.iter().map(|&at| self.votes[at]).sum::<f32>();
        if sum(&both) < 0.3 * sum(chosen) {
            return;
        }
        let around = |at: usize| self.tree.nodes[self.blocks[at].owner].parent;
        let kind = |at: usize| {
            let element = self.tree.element(around(at))?;
            Some((
                element.name.clone(),
                element.attr("class").unwrap_or_default(),
            ))
        };
        let kinds: HashSet<_> = both.iter().map(|&at| kind(at)).collect();
        let places: HashSet<usize> = both.iter().map(|&at| around(at)).collect();
        chosen.retain(|&at| {
            let near = || {
                let place = around(at);
                places.contains(&place) || places.contains(&self.tree.nodes[place].parent)
            };
            readable[at]
                || kinds.contains(&kind(at))
                || (self.blocks[at].words() < PROSE_WORDS && near())
                || is_caption(self.tree, &self.blocks[at])
        });
    }

    /// Adds what stands between headline and text and sums the article up: in the page's own
    /// description, or by the name of its element.
    fn add_standfirst(&self, chosen: &mut Vec<usize>, descriptions: &[String]) {
        let Some(&first) = chosen.iter().find(|&&at| self.votes[at] > 0.0) else {
            return;
        };
        let name = |at: usize| self.tree.element(self.blocks[at].owner).map(|e| &*e.name);
        let headline = (0..first).rev().find(|&at| name(at) == Some("h1"));
        let descriptions: Vec<String> = descriptions.iter().map(|text| letters(text)).collect();
        for at in headline.map_or(0, |at| at + 1)..first {
            let block = &self.blocks[at];
            if chosen.contains(&at)
                || block.words() < 5
                || block.link_density() > 0.3
                || is_caption(self.tree, block)
            {
                continue;
            }
            let said = letters(&block.text);
            let described = said.len() >= 30
                && descriptions.iter().any(|text| {
                    text.contains(&said) || (text.len() >= 30 && said.starts_with(text.as_str()))
                });
            let named = headline.is_some()
                && self
                    .tree
                    .ancestors(block.owner)
                    .take(2)
                    .filter_map(|node| self.tree.element(node))
                    .any(|element| STANDFIRST.is_match(&words_of(element)));
            if described || named {
                chosen.push(at);
            }
        }
        chosen.sort_unstable();
        // The headline itself may stand in the container or not: with it the text reads the same.
        chosen.dedup();
    }

    fn prose_words(&self, at: usize) -> usize {
        if self.votes[at] > 0.0 {
            self.blocks[at].words()
        } else {
            0
        }
    }

    /// Where no article is found: what is neither links nor furniture, or else everything.
    fn best_effort(&self) -> Article {
        let mut blocks: Vec<usize> = (0..self.blocks.len())
            .filter(|&at| {
                let block = &self.blocks[at];
                block.link_density() <= 0.5 && !self.objected(block.owner, 0)
            })
            .collect();
        if blocks.is_empty() {
            blocks = (0..self.blocks.len()).collect();
        }
        Article {
            blocks,
            found: false,
        }
    }
}

/// Of a paragraph longer than this, in characters, the rest has no vote: a page's terms of use
/// are one long paragraph.
const LONG: usize = 1000;

/// The words of the elements around blocks, by node.
fn words_around(tree: &Tree, blocks: &[Block]) -> Vec<Option<String>> {
    let mut words: Vec<Option<String>> = vec![None; tree.nodes.len()];
    for block in blocks {
        for node in tree.ancestors(block.owner) {
            if words[node].is_some() {
                break;
            }
            words[node] = Some(tree.element(node).map(words_of).unwrap_or_default());
        }
    }
    words
}

/// What speaks against each element. An element with most of the page's prose is no sidebar,
/// whatever it is called: some pages keep everything in a form, or name their layout after one
/// of its columns.
fn objections(
    tree: &Tree,
    blocks: &[Block],
    prose: &[bool],
    words: &[Option<String>],
) -> Vec<Objection> {
    let mut own = vec![Objection::None; tree.nodes.len()];
    let mut consent = vec![false; tree.nodes.len()];
    for (node, words) in words.iter().enumerate() {
        let (Some(words), Some(element)) = (words, tree.element(node)) else {
            continue;
        };
        if matches!(&*element.name, "html" | "body" | "main") {
            continue;
        }
        let furniture = is_furniture(element);
        consent[node] = furniture || CONSENT.is_match(words);
        own[node] = if furniture || STRONG.is_match(words) {
            Objection::Strong
        } else if WEAK.is_match(words) {
            Objection::Weak
        } else {
            Objection::None
        };
    }
    let (mut held, mut all) = (vec![0usize; tree.nodes.len()], 1usize);
    for (block, prose) in blocks.iter().zip(prose) {
        if *prose && !tree.ancestors(block.owner).any(|node| consent[node]) {
            all += block.chars.min(LONG);
            for node in tree.ancestors(block.owner) {
                held[node] += block.chars.min(LONG);
            }
        }
    }
    for (objection, held) in own.iter_mut().zip(held) {
        let share = held as f32 / all as f32;
        let overruled = match objection {
            Objection::None => false,
            Objection::Weak => share > 0.4,
            Objection::Strong => share > 0.6,
        };
        if overruled {
            *objection = Objection::None;
        }
    }
    own
}

/// Elements and roles that the standards give to what is around an article.
fn is_furniture(element: &Element) -> bool {
    matches!(
        &*element.name,
        "nav" | "aside" | "footer" | "form" | "dialog" | "menu" | "search"
    ) || element.attr("role").is_some_and(|role| {
        matches!(
            role,
            "navigation"
                | "complementary"
                | "contentinfo"
                | "search"
                | "dialog"
                | "alertdialog"
                | "banner"
                | "menu"
                | "tooltip"
        )
    })
}

/// The words that an element is named by, in small letters with hyphens between: classes, id,
/// role, label.
fn words_of(element: &Element) -> String {
    let mut words = String::new();
    let keys = [
        "class",
        "id",
        "role",
        "aria-label",
        "data-testid",
        "data-component",
    ];
    for value in keys.iter().filter_map(|key| element.attr(key)) {
        let mut small = false;
        for c in value.chars() {
            if c.is_uppercase() && small {
                words.push('-');
            }
            small = c.is_lowercase();
            words.extend(if c == '_' { '-' } else { c }.to_lowercase());
        }
        words.push(' ');
    }
    // Columns that a layout is named after.
    for layout in [
        "sidebar-grid",
        "sidebar-layout",
        "with-sidebar",
        "has-sidebar",
    ] {
        words = words.replace(layout, "");
    }
    words
}

/// The blocks that Readability's algorithm leaves; none if it finds no article.
fn readable(document: Document, tree: &Tree, blocks: &[Block]) -> Vec<bool> {
    let mut kept = vec![false; tree.nodes.len()];
    let config = Config {
        disable_json_ld: true,
        max_elements_to_parse: MOST_ELEMENTS,
        ..Config::default()
    };
    // Heuristics of this size meet pages that their authors did not; what they say is advice.
    let content = catch_unwind(AssertUnwindSafe(|| {
        let mut readability = Readability::with_document(document, None, Some(config)).ok()?;
        readability.parse().ok().map(|article| article.content)
    }));
    if let Ok(Some(content)) = content {
        for piece in content.split(NODE).skip(1) {
            let number = piece.trim_start_matches("=\"");
            let digits = number.bytes().take_while(u8::is_ascii_digit).count();
            if let Ok(node) = number[..digits].parse::<usize>()
                && let Some(flag) = kept.get_mut(node)
            {
                *flag = true;
            }
        }
    }
    let inline = |block: &Block| {
        (block.texts.0..=block.texts.1)
            .map(|node| tree.nodes[node].parent)
            .any(|parent| parent > block.owner && kept[parent])
    };
    blocks
        .iter()
        .map(|block| kept[block.owner] || inline(block))
        .collect()
}

/// Readability compares elements with their neighbours: a page with more of them is judged
/// without it.
const MOST_ELEMENTS: usize = 30_000;

/// A pattern of whole words within names such as `article-share-bar`.
fn named(words: &str) -> Regex {
    Regex::new(&format!("(?:^|[^a-z])(?:{words})(?:$|[^a-z])")).expect("the words are listed below")
}

/// Names of what stands around articles and in between, but is none of them.
static STRONG: LazyLock<Regex> = LazyLock::new(|| {
    named(
        r"ads?|advert\w*|adslot|related\w*|recommend\w*|more-?(?:stories|from|on|in|news|articles)|read-?(?:more|next|also)|also-?(?:read|like)|trending|popular|most-?(?:read|viewed|shared|popular)|newsletters?|newsletter-\w+|sign-?up|comments?|commenting|comment-?list|disqus\w*|sidebar|breadcrumbs?|footer|cookies?|consent|onetrust\w*|gdpr|ccpa|popup|pop-up|outbrain|taboola\w*|author-?(?:bio|box|info|card|profile|details)|recirc\w*|see-?also|up-?next|share|sharing|share-?(?:bar|buttons?|tools|links)|social-?(?:share|links|media|icons|bar|buttons)|copyright|jump-?links?|sr-?only|visually-?hidden|screen-?reader(?:-text)?|print-?only|factbox",
    )
});

/// Names that parts of articles go by as well.
static WEAK: LazyLock<Regex> = LazyLock::new(|| {
    named(
        r"sponsor\w*|promo\w*|subscri\w*|social|follow|rail|nav|navigation|menu|banner|modal|dialog|toolbar|tooltip|tags?|tag-?list|topics?|bio|byline\w*|timestamp|date|dateline|pub(?:lished)?-?date|skip|carousel|teasers?|upsell|donat\w*|playlist|survey|poll|quiz|login|legal|disclaimer|hidden|hide|d-none",
    )
});

static CONSENT: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new("cookie|consent|onetrust|gdpr").expect("the words are listed here")
});

static CAPTION: LazyLock<Regex> = LazyLock::new(|| {
    named(r"(?:image|img|photo|media|wp|picture|figure)?-?captions?(?:-\w+)?|credits?")
});

static STANDFIRST: LazyLock<Regex> = LazyLock::new(|| {
    named(
        r"standfirst|dek|deck|sub-?titles?|sub-?heads?|sub-?head(?:ing|line)|strapline|excerpt|lede|article-?(?:intro|summary|lead|description)|teaser-?text",
    )
});
