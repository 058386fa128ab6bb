//! Quotation marks paired over a whole document.
//!
//! Marks in news text are a mixture: curly and straight, apostrophes that look
//! like closing marks, inches, pairs opened with one kind and closed with
//! another, paragraphs that repeat the opening mark, and marks that somebody
//! forgot. No local rule survives all of that, so the pairing is the cheapest
//! reading of all marks together: every mark may open, close, repeat an opening
//! or be no quotation mark at all, each at a cost that depends on what stands
//! beside it, and a leftover on the stack costs more than any of them (a
//! Viterbi search over the stacks of open marks).
//!
//! Nothing is ever refused: what does not balance is repaired and reported.

use std::collections::HashMap;
use std::ops::Range;

/// Pairs the quotation marks of `text`, taking its [`paragraphs`] as they stand.
#[must_use]
pub fn pair(text: &str) -> Quotations {
    pair_in(text, &paragraphs(text))
}

/// Pairs the quotation marks of `text` whose paragraphs are known.
///
/// `paragraphs` are byte ranges in ascending order; marks between them count to
/// the one before. A quotation ends with its paragraph unless the next one
/// repeats the opening mark (or, at a price, simply goes on and closes it).
#[must_use]
pub fn pair_in(text: &str, paragraphs: &[Range<usize>]) -> Quotations {
    let tokens = tokens(text, paragraphs);
    let mut search = Search::new();
    let mut built = Builder::new(text);
    for token in &tokens {
        search.step(token);
        if search.nodes.len() > COMMIT_AFTER {
            search.commit(&mut built);
        }
    }
    search.finish(&mut built);
    built.finish()
}

/// The paragraphs of plain text: runs of lines between blank lines, or single
/// lines where the text is not hard-wrapped. Surrounding white space is outside.
#[must_use]
pub fn paragraphs(text: &str) -> Vec<Range<usize>> {
    let lines: Vec<Range<usize>> = lines(text).collect();
    let wrapped = is_hard_wrapped(text, &lines);
    let mut out: Vec<Range<usize>> = Vec::new();
    let mut open = false;
    for line in lines {
        let trimmed = trim(text, line);
        if trimmed.is_empty() {
            open = false;
        } else if open && wrapped {
            if let Some(last) = out.last_mut() {
                last.end = trimmed.end;
            }
        } else {
            out.push(trimmed);
            open = true;
        }
    }
    out
}

/// Every quotation of a document and what had to be repaired.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Quotations {
    /// In order of their beginning; an outer one stands before its inner ones.
    pub all: Vec<Quotation>,
    /// Marks that did not balance, in order of place.
    pub unbalanced: Vec<Unbalanced>,
}

impl Quotations {
    /// Quotations that stand in no other one.
    pub fn outer(&self) -> impl Iterator<Item = (usize, &Quotation)> {
        self.all
            .iter()
            .enumerate()
            .filter(|(_, quotation)| quotation.parent.is_none())
    }

    /// The innermost quotation whose words hold byte `at`.
    #[must_use]
    pub fn around(&self, at: usize) -> Option<usize> {
        // Starts ascend and an inner one follows its outer one, so the last hit is innermost.
        let candidates = self.all.partition_point(|q| q.span.start <= at);
        self.all[..candidates]
            .iter()
            .enumerate()
            .rev()
            .find(|(_, q)| q.span.start <= at && at < q.span.end)
            .map(|(index, _)| index)
    }
}

/// One quotation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quotation {
    /// With its marks (those that are there).
    pub span: Range<usize>,
    /// Without the outer marks.
    pub words: Range<usize>,
    /// One range a paragraph, without marks; a single one unless the quotation
    /// runs over several paragraphs.
    pub pieces: Vec<Range<usize>>,
    /// Index of the quotation around this one.
    pub parent: Option<usize>,
    /// Which marks it was opened with.
    pub marks: Marks,
    /// What was wrong with its marks, if anything.
    pub repair: Option<Repair>,
}

/// The family of a pair of marks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Marks {
    /// “ ” " „ ‟ `` '' and doubled singles.
    Double,
    /// ‘ ’ ' ‚ ‛ `
    Single,
    /// « » in either direction.
    Guillemet,
    /// ‹ › in either direction.
    SingleGuillemet,
    /// 「 」 and 『 』
    Corner,
}

/// How an imbalance was repaired.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Repair {
    /// No closing mark: the quotation ends with its paragraph, or before the next opening.
    MissingClosing,
    /// No opening mark: the quotation begins after the previous one, or with its paragraph.
    MissingOpening,
    /// Opened and closed with marks that do not belong together.
    Mismatched,
    /// A mark with no partner at all; it was left alone.
    Stray,
}

impl Repair {
    /// What happened, for a warning.
    #[must_use]
    pub fn message(self) -> &'static str {
        match self {
            Self::MissingClosing => "quotation without a closing mark",
            Self::MissingOpening => "closing quotation mark without an opening one",
            Self::Mismatched => "opening and closing quotation marks do not match",
            Self::Stray => "quotation mark without a partner",
        }
    }
}

/// The warning code of every repaired imbalance.
pub const UNBALANCED_MARKS: &str = "unbalanced-marks";

/// One place where marks did not balance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unbalanced {
    /// The mark in question.
    pub place: Range<usize>,
    /// What was done about it.
    pub repair: Repair,
}

/// Open marks deeper than this are read as no marks: news nests twice, three times at most.
const DEPTH: usize = 4;
/// Readings kept after each mark. Sixteen already gives the same pairs on real text.
const BEAM: usize = 32;
/// Search nodes after which the best reading so far is settled, so that a file
/// of nothing but marks takes bounded memory.
const COMMIT_AFTER: usize = 200_000;

// Costs are in hundredths: whole numbers keep the search independent of rounding.
type Cost = u32;
const UNCLOSED: Cost = 200;
const UNOPENED: Cost = 260;
const REOPENED_AFTER_SENTENCE: Cost = 190;
const REOPENED: Cost = 320;
const REPEATED_MARK: Cost = 10;
/// Whoever repeats the opening mark repeats the same one.
const OTHER_REPEATED: Cost = 120;
const CARRIED_UNMARKED: Cost = 260;
const NESTED_IN_SAME: Cost = 40;
const NESTED_STRAIGHT: Cost = 150;
const MISMATCH: Cost = 20;
/// A curly mark that stands as it looks, read the other way round.
const TURNED: Cost = 350;

#[derive(Debug, Clone)]
enum Token {
    Mark(Mark),
    /// Between two paragraphs: end of the one, start of the next.
    Break {
        end: usize,
        next: usize,
    },
    /// End of the last paragraph with marks.
    End(usize),
}

#[derive(Debug, Clone)]
struct Mark {
    at: Range<usize>,
    glyph: Glyph,
    marks: Marks,
    open: Cost,
    close: Cost,
    none: Cost,
    /// Stands first in its paragraph.
    first: bool,
    /// The text before it ends a sentence.
    after_sentence: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Glyph {
    Straight,
    Left,
    Right,
    Low,
    Backtick,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Action {
    Start,
    Open,
    Close,
    /// An opening mark that ends the quotation before it.
    Reopen,
    /// The opening mark repeated at a paragraph's start.
    Repeat,
    /// A closing mark with nothing open.
    Unopened,
    Ignore,
    /// A break at which everything open ends.
    Cut,
    /// A break at which inner marks end and the outermost goes on.
    Carry,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct State {
    stack: Vec<(Marks, Glyph)>,
    /// A break was crossed; the next mark must repeat the opening.
    repeat: bool,
}

#[derive(Debug, Clone)]
struct Node {
    before: u32,
    action: Action,
    token: Token,
}

struct Search {
    nodes: Vec<Node>,
    live: Vec<(State, Cost, u32)>,
}

impl Search {
    fn new() -> Self {
        let start = Node {
            before: 0,
            action: Action::Start,
            token: Token::End(0),
        };
        let state = State {
            stack: Vec::new(),
            repeat: false,
        };
        Self {
            nodes: vec![start],
            live: vec![(state, 0, 0)],
        }
    }

    fn step(&mut self, token: &Token) {
        let mut next: Vec<(State, Cost, u32, Action)> = Vec::new();
        for (state, cost, node) in &self.live {
            moves(state, token, &mut |state, action, price| {
                next.push((state, cost + price, *node, action));
            });
        }
        if next.is_empty() {
            // Every reading waited for a repeated mark that did not come: end them all.
            for (state, cost, node) in &self.live {
                let action = match token {
                    Token::Mark(_) => Action::Ignore,
                    Token::Break { .. } | Token::End(_) => Action::Cut,
                };
                let open = all_unclosed(&state.stack);
                next.push((empty(), cost + open, *node, action));
            }
        }
        // The order of arrival breaks ties, so that the result is the same on every run.
        next.sort_by_key(|(_, cost, ..)| *cost);
        let mut seen: HashMap<State, ()> = HashMap::new();
        self.live.clear();
        for (state, cost, before, action) in next {
            if self.live.len() == BEAM {
                break;
            }
            if seen.insert(state.clone(), ()).is_none() {
                let node = self.nodes.len() as u32;
                self.nodes.push(Node {
                    before,
                    action,
                    token: token.clone(),
                });
                self.live.push((state, cost, node));
            }
        }
    }

    /// Settles the best reading so far and goes on from it alone.
    fn commit(&mut self, built: &mut Builder<'_>) {
        let Some((state, _, node)) = self.live.first().cloned() else {
            return;
        };
        self.replay(node, built);
        self.nodes.truncate(1);
        self.live = vec![(state, 0, 0)];
    }

    fn finish(&mut self, built: &mut Builder<'_>) {
        if let Some(&(_, _, node)) = self.live.first() {
            self.replay(node, built);
        }
    }

    fn replay(&self, node: u32, built: &mut Builder<'_>) {
        let mut path = Vec::new();
        let mut at = node;
        while at != 0 {
            let node = &self.nodes[at as usize];
            path.push(at);
            at = node.before;
        }
        for at in path.into_iter().rev() {
            let node = &self.nodes[at as usize];
            built.apply(node.action, &node.token);
        }
    }
}

/// Every way to read `token` in `state`.
fn moves(state: &State, token: &Token, take: &mut impl FnMut(State, Action, Cost)) {
    let depth = state.stack.len();
    match token {
        Token::End(_) => take(empty(), Action::Cut, all_unclosed(&state.stack)),
        // Nothing repeated the mark in the whole paragraph.
        Token::Break { .. } if state.repeat => {}
        Token::Break { .. } => {
            take(empty(), Action::Cut, all_unclosed(&state.stack));
            if let Some(first) = state.stack.first() {
                let inner = all_unclosed(&state.stack[1..]);
                let stack = vec![*first];
                let carried = State {
                    stack: stack.clone(),
                    repeat: true,
                };
                take(carried, Action::Carry, inner);
                let plain = State {
                    stack,
                    repeat: false,
                };
                take(plain, Action::Carry, inner + CARRIED_UNMARKED);
            }
        }
        Token::Mark(mark) => {
            if state.repeat {
                if let Some((marks, glyph)) = state.stack.first()
                    && mark.first
                    && *marks == mark.marks
                {
                    let mut next = state.clone();
                    next.repeat = false;
                    let other = if *glyph == mark.glyph {
                        0
                    } else {
                        OTHER_REPEATED
                    };
                    take(next, Action::Repeat, mark.open + REPEATED_MARK + other);
                }
                return;
            }
            take(state.clone(), Action::Ignore, mark.none);
            if depth < DEPTH {
                let mut next = state.clone();
                next.stack.push((mark.marks, mark.glyph));
                let nested = match state.stack.last() {
                    Some((marks, _)) if *marks == mark.marks => {
                        if mark.glyph == Glyph::Straight {
                            NESTED_STRAIGHT
                        } else {
                            NESTED_IN_SAME
                        }
                    }
                    _ => 0,
                };
                take(next, Action::Open, mark.open + nested);
            }
            match state.stack.last() {
                Some((marks, glyph)) if *marks == mark.marks => {
                    let mut next = state.clone();
                    next.stack.pop();
                    take(next, Action::Close, closing_cost(*glyph, mark));
                }
                _ => {}
            }
            if depth == 1 && state.stack[0].0 == mark.marks {
                let price = if mark.after_sentence {
                    REOPENED_AFTER_SENTENCE
                } else {
                    REOPENED
                };
                let mut next = state.clone();
                next.stack[0].1 = mark.glyph;
                take(next, Action::Reopen, mark.open + price);
            }
            if depth == 0 && mark.marks != Marks::Single {
                take(state.clone(), Action::Unopened, mark.close + UNOPENED);
            }
        }
    }
}

fn empty() -> State {
    State {
        stack: Vec::new(),
        repeat: false,
    }
}

/// A lone single mark is far more often an apostrophe than a forgotten partner.
fn unclosed(marks: Marks) -> Cost {
    if marks == Marks::Single {
        UNCLOSED * 2
    } else {
        UNCLOSED
    }
}

fn all_unclosed(stack: &[(Marks, Glyph)]) -> Cost {
    stack.iter().map(|(marks, _)| unclosed(*marks)).sum()
}

fn closing_cost(opened: Glyph, mark: &Mark) -> Cost {
    match (opened, mark.glyph) {
        // „…“ and ‚…‘ are whole pairs.
        (Glyph::Low, Glyph::Left | Glyph::Right) => 0,
        _ if mismatched(opened, mark.glyph) => mark.close + MISMATCH,
        _ => mark.close,
    }
}

fn mismatched(opened: Glyph, closed: Glyph) -> bool {
    !matches!(
        (opened, closed),
        (Glyph::Straight, Glyph::Straight)
            | (Glyph::Left, Glyph::Right)
            | (Glyph::Right, Glyph::Left)
            | (Glyph::Low, _)
            | (Glyph::Backtick, Glyph::Straight | Glyph::Right)
    )
}

struct Builder<'t> {
    text: &'t str,
    out: Quotations,
    open: Vec<Open>,
    /// Where a quotation without an opening mark would begin.
    floor: usize,
}

struct Open {
    index: usize,
    glyph: Glyph,
    mark: Range<usize>,
    pieces: Vec<Range<usize>>,
    from: usize,
}

impl<'t> Builder<'t> {
    fn new(text: &'t str) -> Self {
        Self {
            text,
            out: Quotations::default(),
            open: Vec::new(),
            floor: 0,
        }
    }

    fn apply(&mut self, action: Action, token: &Token) {
        match (action, token) {
            (Action::Open, Token::Mark(mark)) => self.push(mark),
            (Action::Close, Token::Mark(mark)) => self.close(mark),
            (Action::Reopen, Token::Mark(mark)) => {
                self.end_all(mark.at.start);
                self.push(mark);
            }
            (Action::Repeat, Token::Mark(mark)) => {
                if let Some(open) = self.open.last_mut() {
                    open.from = mark.at.end;
                }
            }
            (Action::Unopened, Token::Mark(mark)) => self.unopened(mark),
            (Action::Ignore, Token::Mark(mark)) => self.stray(mark),
            (Action::Cut, Token::Break { end, next }) => {
                self.end_all(*end);
                self.floor = *next;
            }
            (Action::Cut, Token::End(end)) => self.end_all(*end),
            (Action::Carry, Token::Break { end, next }) => {
                while self.open.len() > 1 {
                    self.end_last(*end);
                }
                let text = self.text;
                if let Some(open) = self.open.last_mut() {
                    let piece = trim(text, open.from..(*end).max(open.from));
                    open.pieces.push(piece);
                    open.from = *next;
                }
                self.floor = *next;
            }
            _ => {}
        }
    }

    fn push(&mut self, mark: &Mark) {
        let index = self.out.all.len();
        self.out.all.push(Quotation {
            span: mark.at.clone(),
            words: mark.at.end..mark.at.end,
            pieces: Vec::new(),
            parent: self.open.last().map(|open| open.index),
            marks: mark.marks,
            repair: None,
        });
        self.open.push(Open {
            index,
            glyph: mark.glyph,
            mark: mark.at.clone(),
            pieces: Vec::new(),
            from: mark.at.end,
        });
    }

    fn close(&mut self, mark: &Mark) {
        let Some(mut open) = self.open.pop() else {
            return;
        };
        open.pieces.push(open.from..mark.at.start);
        let quotation = &mut self.out.all[open.index];
        quotation.span.end = mark.at.end;
        quotation.words.end = mark.at.start;
        quotation.pieces = open.pieces;
        if mismatched(open.glyph, mark.glyph) {
            quotation.repair = Some(Repair::Mismatched);
            self.out.unbalanced.push(Unbalanced {
                place: mark.at.clone(),
                repair: Repair::Mismatched,
            });
        }
        self.floor = mark.at.end;
    }

    fn unopened(&mut self, mark: &Mark) {
        let words = trim(self.text, self.floor.min(mark.at.start)..mark.at.start);
        self.out.unbalanced.push(Unbalanced {
            place: mark.at.clone(),
            repair: Repair::MissingOpening,
        });
        self.out.all.push(Quotation {
            span: words.start..mark.at.end,
            words: words.clone(),
            pieces: std::iter::once(words).collect(),
            parent: None,
            marks: mark.marks,
            repair: Some(Repair::MissingOpening),
        });
        self.floor = mark.at.end;
    }

    fn stray(&mut self, mark: &Mark) {
        // Apostrophes, inches and minutes are nobody's mistake.
        if mark.none >= STRAY_FROM {
            self.out.unbalanced.push(Unbalanced {
                place: mark.at.clone(),
                repair: Repair::Stray,
            });
        }
    }

    fn end_all(&mut self, end: usize) {
        while !self.open.is_empty() {
            self.end_last(end);
        }
    }

    fn end_last(&mut self, end: usize) {
        let Some(mut open) = self.open.pop() else {
            return;
        };
        let last = trim(self.text, open.from..end.max(open.from));
        let words_end = last.end;
        open.pieces.push(last);
        let quotation = &mut self.out.all[open.index];
        quotation.span.end = words_end;
        quotation.words.end = words_end;
        quotation.pieces = open.pieces;
        quotation.repair = Some(Repair::MissingClosing);
        self.out.unbalanced.push(Unbalanced {
            place: open.mark,
            repair: Repair::MissingClosing,
        });
    }

    fn finish(mut self) -> Quotations {
        self.end_all(self.text.len());
        self.out.unbalanced.sort_by_key(|u| u.place.start);
        // One without an opening mark is found late but begins early.
        let mut order: Vec<usize> = (0..self.out.all.len()).collect();
        order.sort_by_key(|&i| {
            let span = &self.out.all[i].span;
            (span.start, std::cmp::Reverse(span.end), i)
        });
        let mut place = vec![0; order.len()];
        for (new, &old) in order.iter().enumerate() {
            place[old] = new;
        }
        let mut all: Vec<Quotation> = order.iter().map(|&i| self.out.all[i].clone()).collect();
        for quotation in &mut all {
            quotation.parent = quotation.parent.map(|p| place[p]);
        }
        self.out.all = all;
        self.out
    }
}

/// Cost from which an ignored mark is worth a warning.
const STRAY_FROM: Cost = 100;

fn tokens(text: &str, paragraphs: &[Range<usize>]) -> Vec<Token> {
    let mut out = Vec::new();
    let mut bounds = paragraphs.iter();
    let mut current = bounds.next().cloned().unwrap_or(0..text.len());
    let mut upcoming = bounds.next();
    let mut first = true;
    let mut at = 0;
    while let Some(found) = next_mark(text, at) {
        let (range, glyph, marks) = found;
        while let Some(next) = upcoming {
            if range.start < next.start {
                break;
            }
            out.push(Token::Break {
                end: current.end,
                next: next.start,
            });
            current = next.clone();
            upcoming = bounds.next();
            first = true;
        }
        let leads = first
            && text[current.start.min(range.start)..range.start]
                .trim()
                .is_empty();
        first = false;
        at = range.end;
        if let Some(mark) = weigh(text, range, glyph, marks, leads) {
            out.push(Token::Mark(mark));
        }
    }
    out.push(Token::End(current.end));
    out
}

fn next_mark(text: &str, from: usize) -> Option<(Range<usize>, Glyph, Marks)> {
    let mut chars = text[from..].char_indices().peekable();
    while let Some((offset, c)) = chars.next() {
        let (glyph, marks) = match c {
            '"' | '＂' => (Glyph::Straight, Marks::Double),
            '“' | '‟' | '〝' => (Glyph::Left, Marks::Double),
            '”' | '〞' => (Glyph::Right, Marks::Double),
            '„' => (Glyph::Low, Marks::Double),
            '\'' => (Glyph::Straight, Marks::Single),
            '‘' | '‛' => (Glyph::Left, Marks::Single),
            '’' => (Glyph::Right, Marks::Single),
            '‚' => (Glyph::Low, Marks::Single),
            '`' => (Glyph::Backtick, Marks::Single),
            '«' => (Glyph::Left, Marks::Guillemet),
            '»' => (Glyph::Right, Marks::Guillemet),
            '‹' => (Glyph::Left, Marks::SingleGuillemet),
            '›' => (Glyph::Right, Marks::SingleGuillemet),
            '「' | '『' => (Glyph::Left, Marks::Corner),
            '」' | '』' => (Glyph::Right, Marks::Corner),
            _ => continue,
        };
        let start = from + offset;
        let doubled = marks == Marks::Single && chars.peek().is_some_and(|&(_, next)| next == c);
        return Some(if doubled {
            (start..start + 2 * c.len_utf8(), glyph, Marks::Double)
        } else {
            (start..start + c.len_utf8(), glyph, marks)
        });
    }
    None
}

/// How dear it is to read a mark as opening, as closing, or as none.
fn weigh(text: &str, at: Range<usize>, glyph: Glyph, marks: Marks, first: bool) -> Option<Mark> {
    let before = text[..at.start].chars().next_back();
    let after = text[at.end..].chars().next();
    let left = before.is_none_or(begins_after);
    let right = after.is_none_or(ends_before);
    // A missing blank after a colon or comma: `she said:"No`.
    let glued = before.is_some_and(|c| matches!(c, ':' | ',' | ';' | '.' | '!' | '?'))
        && after.is_some_and(char::is_alphanumeric);
    let (open, close) = match (left, right) {
        (true, false) => (0, 200),
        (false, true) => (200, 0),
        _ if glued => (60, 60),
        (true, true) => (50, 50),
        (false, false) => (120, 120),
    };
    let after_digit = before.is_some_and(|c| c.is_ascii_digit());
    let (open, close, none) = if marks == Marks::Single {
        let (open, close, none) = weigh_single(text, &at, glyph, left, right)?;
        (open, close, none)
    } else {
        // A well-placed mark is rather half of a broken pair than nothing at all.
        let well_placed = left != right;
        match glyph {
            Glyph::Straight if after_digit && !left => (open, close, 20),
            Glyph::Straight => (open, close, if well_placed { 220 } else { 120 }),
            Glyph::Left if marks == Marks::Guillemet || marks == Marks::SingleGuillemet => {
                (open, close + 10, 280)
            }
            Glyph::Right if marks == Marks::Guillemet || marks == Marks::SingleGuillemet => {
                (open + 10, close, 280)
            }
            // Turned the wrong way it may be; standing the right way as well, it is what it looks like.
            Glyph::Left if left && !right => (open.min(30), TURNED, 280),
            Glyph::Right if right && !left => (TURNED, close.min(30), 280),
            Glyph::Left => (open.min(30), 100 + close / 2, 280),
            Glyph::Right => (100 + open / 2, close.min(30), 280),
            Glyph::Low | Glyph::Backtick => (open.min(30), 300, 280),
        }
    };
    let after_sentence = text[..at.start]
        .trim_end()
        .ends_with(['.', '!', '?', '…', ',']);
    Some(Mark {
        at,
        glyph,
        marks,
        open,
        close,
        none,
        first,
        after_sentence,
    })
}

/// `None` for what cannot be a quotation mark at all.
fn weigh_single(
    text: &str,
    at: &Range<usize>,
    glyph: Glyph,
    left: bool,
    right: bool,
) -> Option<(Cost, Cost, Cost)> {
    let before = text[..at.start].chars().next_back();
    let rest = &text[at.end..];
    let inside = before.is_some_and(char::is_alphanumeric)
        && rest.chars().next().is_some_and(char::is_alphanumeric);
    if inside {
        return None;
    }
    let elided = is_elision(rest);
    Some(match glyph {
        Glyph::Low => (0, 300, 80),
        Glyph::Left | Glyph::Backtick => {
            let none = if elided { 10 } else { 110 };
            (if left { 0 } else { 100 }, 200, none)
        }
        Glyph::Right | Glyph::Straight if right && !left => {
            let none = match before {
                Some('s' | 'S') => 20,
                Some(c) if c.is_ascii_digit() => 10,
                // "goin’", "Hawai’"
                Some(c) if c.is_alphabetic() => 60,
                _ => 90,
            };
            (400, 10, none)
        }
        Glyph::Straight if left && !right => {
            if elided {
                (60, 300, 10)
            } else {
                (10, 300, 90)
            }
        }
        Glyph::Right if left && !right => {
            if elided {
                (200, 300, 0)
            } else {
                (150, 300, 40)
            }
        }
        _ => (120, 80, 30),
    })
}

/// Whether what follows an apostrophe is a clipped word or a decade.
fn is_elision(rest: &str) -> bool {
    if rest.starts_with(|c: char| c.is_ascii_digit()) {
        let digits = rest.chars().take_while(char::is_ascii_digit).count();
        let then = &rest[digits..];
        return digits == 2 && (then.starts_with('s') || !then.starts_with(char::is_alphanumeric));
    }
    let word: String = rest
        .chars()
        .take_while(|c| c.is_alphabetic())
        .flat_map(char::to_lowercase)
        .collect();
    matches!(
        word.as_str(),
        "em" | "tis"
            | "twas"
            | "til"
            | "till"
            | "cause"
            | "n"
            | "bout"
            | "round"
            | "neath"
            | "s"
            | "t"
    )
}

fn begins_after(c: char) -> bool {
    c.is_whitespace()
        || matches!(
            c,
            '(' | '['
                | '{'
                | '—'
                | '–'
                | '-'
                | '/'
                | '“'
                | '‘'
                | '„'
                | '‚'
                | '«'
                | '‹'
                | '¿'
                | '¡'
                | '|'
                | '…'
                | '\u{200b}'
                | '\u{feff}'
        )
}

fn ends_before(c: char) -> bool {
    c.is_whitespace()
        || matches!(
            c,
            '.' | ','
                | ';'
                | ':'
                | '!'
                | '?'
                | ')'
                | ']'
                | '}'
                | '—'
                | '–'
                | '-'
                | '/'
                | '”'
                | '’'
                | '»'
                | '›'
                | '…'
                | '|'
                | '"'
                | '\''
                | '\u{200b}'
        )
}

fn lines(text: &str) -> impl Iterator<Item = Range<usize>> + '_ {
    let mut start = 0;
    let mut done = false;
    std::iter::from_fn(move || {
        if done {
            return None;
        }
        let rest = &text[start..];
        let range = match rest.find(['\n', '\r', '\u{2028}', '\u{2029}']) {
            Some(length) => {
                let end = start + length;
                let width = text[end..].chars().next().map_or(1, char::len_utf8);
                let range = start..end;
                start = end + width;
                range
            }
            None => {
                done = true;
                start..text.len()
            }
        };
        Some(range)
    })
}

/// Lines of even, limited width that mostly end within a sentence.
fn is_hard_wrapped(text: &str, lines: &[Range<usize>]) -> bool {
    let mut inner = 0;
    let mut broken = 0;
    for pair in lines.windows(2) {
        let line = text[pair[0].clone()].trim_end();
        let next = text[pair[1].clone()].trim();
        if line.trim().is_empty() || next.is_empty() {
            continue;
        }
        inner += 1;
        let width = line.chars().count();
        let mid_sentence = line.ends_with(|c: char| c.is_alphanumeric() || c == ',');
        if (40..=100).contains(&width) && mid_sentence && next.starts_with(char::is_lowercase) {
            broken += 1;
        }
    }
    inner >= 3 && broken * 2 > inner
}

fn trim(text: &str, range: Range<usize>) -> Range<usize> {
    let slice = &text[range.clone()];
    let lead = slice.len() - slice.trim_start().len();
    let body = slice.trim();
    range.start + lead..range.start + lead + body.len()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn words<'t>(text: &'t str, found: &Quotations) -> Vec<&'t str> {
        found.all.iter().map(|q| &text[q.words.clone()]).collect()
    }

    #[track_caller]
    fn check(text: &str, expected: &[&str]) -> Quotations {
        let found = pair(text);
        assert_eq!(words(text, &found), expected, "{text}");
        found
    }

    #[track_caller]
    fn balanced(text: &str, expected: &[&str]) {
        let found = check(text, expected);
        assert_eq!(found.unbalanced, [], "{text}");
    }

    #[test]
    fn curly_and_straight_pairs() {
        balanced(
            "“The ferry sails,” Orla Venn said. “It must.”",
            &["The ferry sails,", "It must."],
        );
        balanced(
            "\"The ferry sails,\" she said. \"It must.\"",
            &["The ferry sails,", "It must."],
        );
        balanced("She said: \"No.\"", &["No."]);
        balanced("She said:\"No.\" Then left.", &["No."]);
    }

    #[test]
    fn apostrophes_are_no_marks() {
        balanced(
            "Don’t touch the island’s pier; the ministers’ boats aren’t ours.",
            &[],
        );
        balanced(
            "Don't touch the island's pier; the ministers' boats aren't ours.",
            &[],
        );
        balanced("In the ’90s and the '80s rock ’n’ roll told ’em so.", &[]);
        balanced(
            "“We don’t want the harbours’ money,” he said.",
            &["We don’t want the harbours’ money,"],
        );
    }

    #[test]
    fn single_marks_inside_double() {
        let text = "“The ‘ferry crisis’ is the ministers’ ‘invention’ and isn’t real,” Venn said.";
        let found = check(
            text,
            &[
                "The ‘ferry crisis’ is the ministers’ ‘invention’ and isn’t real,",
                "ferry crisis",
                "invention",
            ],
        );
        assert_eq!(found.all[1].parent, Some(0));
        assert_eq!(found.unbalanced, []);
    }

    #[test]
    fn single_marks_outside() {
        balanced(
            "‘We don’t sail on the unions’ orders,’ Venn said. ‘Nor \"on request\".’",
            &[
                "We don’t sail on the unions’ orders,",
                "Nor \"on request\".",
                "on request",
            ],
        );
        balanced(
            "'We can't sail,' Venn said. 'It's over.'",
            &["We can't sail,", "It's over."],
        );
    }

    #[test]
    fn doubles_inside_doubles() {
        let text = "It said, “The tale of the “island threat” is told in part to please.” More.";
        let found = check(
            text,
            &[
                "The tale of the “island threat” is told in part to please.",
                "island threat",
            ],
        );
        assert_eq!(found.all[1].parent, Some(0));
        assert_eq!(found.unbalanced, []);
    }

    #[test]
    fn opening_mark_repeated_each_paragraph() {
        let text = "“First we sail.\n\n“Then we ‘talk’.\n\n“Then we rest,” Venn said.\n\n“Good.”";
        let found = pair(text);
        assert_eq!(found.all.len(), 3);
        let pieces: Vec<&str> = found.all[0]
            .pieces
            .iter()
            .map(|p| &text[p.clone()])
            .collect();
        assert_eq!(
            pieces,
            ["First we sail.", "Then we ‘talk’.", "Then we rest,"]
        );
        assert_eq!(found.unbalanced, []);
        assert_eq!(&text[found.all[2].words.clone()], "Good.");
    }

    #[test]
    fn repeated_straight_marks() {
        let text = "She said: \"First we sail.\n\n\"Then we rest.\"\n\nThe end.";
        let found = pair(text);
        assert_eq!(found.all.len(), 1);
        assert_eq!(found.all[0].pieces.len(), 2);
        assert_eq!(found.unbalanced, []);
    }

    #[test]
    fn missing_closing_ends_with_its_paragraph() {
        let text = "Venn said: “We sail at dawn.\n\nThe pier was empty.";
        let found = check(text, &["We sail at dawn."]);
        assert_eq!(found.all[0].repair, Some(Repair::MissingClosing));
        assert_eq!(found.unbalanced.len(), 1);
        assert_eq!(&text[found.unbalanced[0].place.clone()], "“");
    }

    #[test]
    fn missing_closing_before_the_next_sentence() {
        let text = "“We sail at dawn, Venn said. “We always do.”";
        let found = pair(text);
        assert_eq!(
            found.all.last().map(|q| &text[q.words.clone()]),
            Some("We always do.")
        );
        assert_eq!(found.unbalanced.len(), 1);
        assert!(found.all.iter().all(|q| q.parent.is_none()));
    }

    #[test]
    fn missing_opening_is_reported() {
        let text = "We sail at dawn,” Venn said.";
        let found = check(text, &["We sail at dawn,"]);
        assert_eq!(found.all[0].repair, Some(Repair::MissingOpening));
    }

    #[test]
    fn mismatched_marks_pair() {
        let text = "An official said the men were \"hidden harbour agents.” The rest slept.";
        let found = check(text, &["hidden harbour agents."]);
        assert_eq!(found.all[0].repair, Some(Repair::Mismatched));
        let text = "They spoke of “hidden harbour agents\" and left.";
        check(text, &["hidden harbour agents"]);
        let text = "He said ”we sail” and left.";
        check(text, &["we sail"]);
        let text = "He said “we sail“ and left.";
        check(text, &["we sail"]);
    }

    #[test]
    fn low_marks_guillemets_backticks() {
        balanced("„Wir fahren“, sagte sie.", &["Wir fahren"]);
        balanced(
            "«On part», dit-elle. »Wir fahren«, sagte er.",
            &["On part", "Wir fahren"],
        );
        balanced(
            "``We sail,'' she said. ''We must.''",
            &["We sail,", "We must."],
        );
        balanced("‘‘We sail,’’ she said.", &["We sail,"]);
        balanced("‚Wir fahren‘, sagte sie.", &["Wir fahren"]);
    }

    #[test]
    fn inches_feet_and_minutes_are_no_marks() {
        balanced(
            "A 6'2\" sailor carried a 12\" plank for 5' at 10° 30' 15\" north.",
            &[],
        );
        balanced("He said “the 12\" plank” twice.", &["the 12\" plank"]);
        balanced(
            "\"We left in 2015\" and \"came back in 2018\".",
            &["We left in 2015", "came back in 2018"],
        );
    }

    #[test]
    fn quotation_of_several_sentences() {
        balanced(
            "“We sail. It is late? Yes! The mayor’s boat waits,” Venn said",
            &["We sail. It is late? Yes! The mayor’s boat waits,"],
        );
    }

    #[test]
    fn spaced_straight_marks() {
        check("She said \" we sail \" and left.", &[" we sail "]);
    }

    #[test]
    fn stray_marks_do_not_swallow_the_document() {
        let text = "The \" sign fell.\n\n“We sail,” Venn said.\n\n“We rest,” she added.";
        let found = pair(text);
        let all = words(text, &found);
        assert!(all.contains(&"We sail,"), "{all:?}");
        assert!(all.contains(&"We rest,"), "{all:?}");
    }

    #[test]
    fn only_marks_and_nothing() {
        assert_eq!(pair("").all, []);
        for text in [
            "\"".to_owned(),
            "“”‘’\"\"''``«»„“".to_owned(),
            "\"“’".repeat(4000),
        ] {
            let found = pair(&text);
            assert!(found.all.len() <= text.len());
        }
    }

    #[test]
    fn hard_wrapped_lines_are_one_paragraph() {
        let text = "\"The ferries of the islands will not be sailing before\nthe end of the month because the harbours are closed\nand nobody knows who would pay for the extra fuel,\" the\nmayor said on the quay.\n\nA new paragraph.";
        let found = pair(text);
        assert_eq!(found.all.len(), 1);
        assert_eq!(found.unbalanced, []);
    }

    #[test]
    fn innermost_around_a_place() {
        let text = "“a ‘b’ c” d";
        let found = pair(text);
        let b = text.find('b').unwrap();
        let c = text.find('c').unwrap();
        assert_eq!(found.around(b), Some(1));
        assert_eq!(found.around(c), Some(0));
        assert_eq!(found.around(text.len() - 1), None);
    }

    #[test]
    fn curly_marks_that_stand_as_they_look_keep_their_side() {
        let text = "Ferries will sail soon,” Orla said in a note. “If not, we swim.";
        let words: Vec<&str> = pair(text)
            .all
            .iter()
            .map(|q| &text[q.words.clone()])
            .collect();
        assert_eq!(words, ["Ferries will sail soon,", "If not, we swim."]);
    }

    proptest! {
        #[test]
        fn never_panics_and_keeps_its_promises(text in "([a-zé ’'\"“”‘„«»`\\n.,0-9\u{301}\u{1F600}]|\\PC){0,200}") {
            let found = pair(&text);
            for (index, q) in found.all.iter().enumerate() {
                prop_assert!(q.span.start <= q.words.start && q.words.end <= q.span.end);
                prop_assert!(text.get(q.span.clone()).is_some());
                prop_assert!(text.get(q.words.clone()).is_some());
                prop_assert!(!q.pieces.is_empty());
                for piece in &q.pieces {
                    prop_assert!(text.get(piece.clone()).is_some());
                    prop_assert!(q.words.start <= piece.start && piece.end <= q.words.end);
                }
                if let Some(parent) = q.parent {
                    prop_assert!(parent < index);
                    let outer = &found.all[parent];
                    prop_assert!(outer.words.start <= q.span.start && q.span.end <= outer.words.end);
                }
            }
            for u in &found.unbalanced {
                prop_assert!(text.get(u.place.clone()).is_some());
            }
        }

        #[test]
        fn balanced_curly_text_is_found_whole(parts in prop::collection::vec("[a-z]{1,8}( [a-z]{1,8}){0,5}", 1..6)) {
            let text = parts.iter().map(|p| format!("“{p},” he said.")).collect::<Vec<_>>().join(" ");
            let found = pair(&text);
            prop_assert_eq!(found.all.len(), parts.len());
            prop_assert_eq!(found.unbalanced.len(), 0);
        }
    }
}
