//! What a single line of an extracted article looks like, seen without its
//! neighbours: how much it reads like a sentence of the report, and how much like
//! one of the things that extractors leave between the sentences.

use std::ops::Range;
use std::sync::LazyLock;

use regex::Regex;

use crate::date;
use crate::sentence::{ends_sentence, sentences};

/// What a line is, if it is no part of the report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Kind {
    /// Who wrote it.
    Byline,
    /// The title, also where it is repeated.
    Headline,
    /// Text below a picture or video.
    Caption,
    /// Whose picture or agency report it is.
    Credit,
    /// Menus, topic tags, player bars.
    Navigation,
    /// Buttons and requests to share or follow.
    Share,
    /// Advertisements and the publisher's own offers.
    Advertisement,
    /// When it was published.
    Timestamp,
    /// Remains of code.
    Markup,
    /// Place and agency before the first sentence.
    Dateline,
    /// Who else helped.
    Contribution,
    /// Corrections and notes of the editors.
    Correction,
    /// Links to other articles.
    Related,
    /// Copyright, notes on the author, separators.
    Other,
}

impl Kind {
    /// The name used in output records.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Kind::Byline => "byline",
            Kind::Headline => "headline",
            Kind::Caption => "caption",
            Kind::Credit => "credit",
            Kind::Navigation => "navigation",
            Kind::Share => "share",
            Kind::Advertisement => "advertisement",
            Kind::Timestamp => "timestamp",
            Kind::Markup => "markup",
            Kind::Dateline => "dateline",
            Kind::Contribution => "contribution",
            Kind::Correction => "correction",
            Kind::Related => "related",
            Kind::Other => "other",
        }
    }
}

/// How strongly the form of a line speaks for a kind of residue, on the scale of
/// [`prose`]: 6 is certain whatever the line reads like, 5 outweighs a full
/// sentence, 4 a short one, less needs support from the line's place.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Evidence {
    /// The kind it speaks for.
    pub kind: Kind,
    /// 0 to 6.
    pub weight: f32,
}

/// How much `line` reads like running text, from 0 (a label) to 4.5 (a long,
/// finished sentence).
#[must_use]
pub fn prose(line: &str) -> f32 {
    let line = line.trim();
    let words = line.split_whitespace().take(64).count();
    let finished = ends_sentence(line);
    let mut score: f32 = match (words, finished) {
        (14.., true) => 4.0,
        (8.., true) => 3.0,
        (4.., true) => 2.0,
        (2.., true) => 1.0,
        (40.., false) => 3.0,
        (20.., false) => 2.0,
        _ => 0.0,
    };
    if !finished && words >= 5 && line.ends_with([':', ',', '—', ';']) {
        score += 2.0;
    }
    if line.starts_with(['“', '"']) && words >= 4 {
        score += 0.5;
    }
    if words >= 5 {
        let capitals = line
            .split_whitespace()
            .take(64)
            .filter(|w| {
                w.chars()
                    .find(|c| c.is_alphanumeric())
                    .is_some_and(|c| !c.is_lowercase())
            })
            .count();
        if capitals * 10 > words.min(64) * 6 {
            score -= 1.5;
        }
    }
    score.max(0.0)
}

/// What the form of `line` alone says against it, if anything.
///
/// ```
/// use copydesk_language::line::{Kind, residue};
/// let kind = |line| residue(line).map(|e| e.kind);
/// assert_eq!(kind("Story Continued Below"), Some(Kind::Advertisement));
/// assert_eq!(kind("The pier at Orla. (Photo by Ada Brill/Harbour Images)"), Some(Kind::Caption));
/// assert_eq!(kind("The ferries stopped on Friday."), None);
/// ```
#[must_use]
pub fn residue(line: &str) -> Option<Evidence> {
    let line = line.trim();
    if line.is_empty() {
        return None;
    }
    let evidence = |kind, weight| Some(Evidence { kind, weight });
    if !line.chars().any(char::is_alphanumeric) {
        return evidence(Kind::Other, 6.0);
    }
    // Code may be long; everything else that a whole line can be is not.
    if MARKUP.is_match(head(line, 2000)) {
        return evidence(Kind::Markup, 5.0);
    }
    if line.len() > 1200 {
        return PLAYER.is_match(head(line, 200)).then_some(Evidence {
            kind: Kind::Caption,
            weight: 6.0,
        });
    }
    if is_running_time(line) {
        return evidence(Kind::Navigation, 6.0);
    }
    if is_timestamp(line) {
        return evidence(Kind::Timestamp, 6.0);
    }
    if let Some(kind) = controls(line) {
        return evidence(kind, 5.0);
    }
    let bracketed = line.contains('(')
        && (line.trim_end_matches([' ', '.']).ends_with(')')
            || ["(Photo", "(Image", "(AP"]
                .iter()
                .any(|open| line.contains(open)));
    // The strongest wins; of equals, the first.
    let mut best: Option<Evidence> = None;
    for rule in RULES.iter() {
        if best.is_none_or(|b| rule.weight > b.weight)
            && (!rule.bracket || bracketed)
            && rule.pattern.is_match(line)
            && (rule.kind != Kind::Contribution || thanks(line))
        {
            best = evidence(rule.kind, rule.weight);
        }
    }
    best
}

/// `Research by Ada Brill` thanks somebody, `Research by the university shows` is
/// news: behind the verb or preposition only names may stand.
fn thanks(line: &str) -> bool {
    let Some(by) = THANKS.find(line) else {
        return true;
    };
    line[by.end()..]
        .split(|c: char| c.is_whitespace() || matches!(c, ',' | ';' | '(' | ')' | '/'))
        .map(|word| word.trim_matches(|c: char| !c.is_alphanumeric()))
        .filter(|word| !word.is_empty())
        .all(|word| !word.starts_with(char::is_lowercase) || LINKING.contains(&word))
}

/// Whether `line` is nothing but a date or time, with the words that go with it.
#[must_use]
pub fn is_timestamp(line: &str) -> bool {
    if line.len() > 160 || !line.chars().any(|c| c.is_ascii_digit()) {
        return false;
    }
    // `Saturday, June 29:` heads a chronicle, `— March 4, 2019` closes a motto.
    if line.ends_with(':') || line.starts_with(['—', '–']) {
        return false;
    }
    let mut rest = line.to_owned();
    let mut found = false;
    while let Some((range, _)) = date::find(&rest) {
        rest.replace_range(range, " ");
        found = true;
    }
    while let Some((range, _)) = date::find_time(&rest, None) {
        rest.replace_range(range, " ");
        found = true;
    }
    let mut numbers = 0;
    let mut unit = false;
    let mut named_day = false;
    for word in rest
        .split(|c: char| !c.is_alphanumeric() && c != '.')
        .filter(|w| !w.is_empty())
    {
        let word = word.trim_matches('.').to_lowercase();
        if word.is_empty() {
            continue;
        }
        if word.chars().all(|c| c.is_ascii_digit()) {
            numbers += 1;
        } else if date::names_day_or_month(&word) {
            named_day = true;
        } else if matches!(word.as_str(), "ago" | "read" | "yesterday" | "today") {
            unit = true;
        } else if !TIME_WORDS.contains(&word.as_str()) {
            return false;
        }
    }
    found || (numbers == 1 && unit) || (named_day && numbers >= 1)
}

/// Letters and digits of `line`, small: equal for lines that say the same.
#[must_use]
pub fn fingerprint(line: &str) -> String {
    line.chars()
        .filter(|c| c.is_alphanumeric())
        .flat_map(char::to_lowercase)
        .collect()
}

/// Pieces of residue inside a paragraph of the report: injected advertisements
/// and link lists, a date before the first word, agency codes. Ascending, not
/// overlapping; the blank that a cut would double is part of it.
#[must_use]
pub fn inline(paragraph: &str) -> Vec<(Range<usize>, Kind)> {
    let mut found: Vec<(Range<usize>, Kind)> = Vec::new();
    if let Some(end) = leading_date(paragraph) {
        found.push((0..end, Kind::Timestamp));
    }
    for range in link_lists(paragraph) {
        found.push((range, Kind::Related));
    }
    for (pattern, kind) in INLINE.iter() {
        for hit in pattern.find_iter(paragraph) {
            let range = hit.range();
            if !found
                .iter()
                .any(|(r, _)| r.start < range.end && range.start < r.end)
            {
                found.push((range, *kind));
            }
        }
    }
    found.sort_by_key(|(range, _)| range.start);
    for (range, _) in &mut found {
        // Between two words one blank has to stay.
        let before = paragraph[..range.start].chars().next_back();
        let after = paragraph[range.end..].chars().next();
        let inside = &paragraph[range.clone()];
        if before.is_some_and(|c| !c.is_whitespace())
            && after.is_some_and(char::is_alphanumeric)
            && inside.ends_with(char::is_whitespace)
        {
            range.end -= inside.chars().next_back().map_or(0, char::len_utf8);
        }
    }
    found
}

/// Residue at the end of the report's last paragraph: `(Reporting by …)`, `— AP`,
/// or a last sentence that thanks contributors.
#[must_use]
pub fn trailing(paragraph: &str) -> Option<(Range<usize>, Kind)> {
    if let Some(hit) = ENDING_CREDIT.captures(paragraph) {
        let credit = hit.name("credit")?;
        return Some((credit.start()..paragraph.len(), Kind::Credit));
    }
    if let Some(hit) = ENDING_CONTRIBUTION.find(paragraph) {
        return Some((hit.start()..paragraph.len(), Kind::Contribution));
    }
    let all = sentences(paragraph);
    let (last, rest) = all.split_last()?;
    let before = rest.last()?;
    let evidence = residue(&paragraph[last.clone()])?;
    let certain =
        matches!(evidence.kind, Kind::Contribution | Kind::Correction) && evidence.weight >= 6.0;
    certain.then_some((before.end..paragraph.len(), evidence.kind))
}

/// End of a date (or `date 2019-03-04`) that stands before the first word.
fn leading_date(paragraph: &str) -> Option<usize> {
    let lead = LEAD_WORD.find(paragraph).map_or(0, |m| m.end());
    let start = paragraph.len() - paragraph.trim_start().len();
    let tail = head(&paragraph[lead.max(start)..], 80);
    let (range, _) = date::find(tail)?;
    if range.start != 0 {
        return None;
    }
    let end = lead.max(start) + range.end;
    let rest = &paragraph[end..];
    let gap = rest.len()
        - rest
            .trim_start_matches(|c: char| c.is_whitespace() || "|:–—-".contains(c))
            .len();
    // `March 4, 2019 was` and `March 4, 2019, the` are sentences.
    let goes_on = rest[gap..]
        .trim_start_matches(['“', '"', '‘', '('])
        .starts_with(char::is_uppercase);
    (gap > 0 && goes_on).then_some(end + gap)
}

/// `00:00 00:00`: where a player stands.
fn is_running_time(line: &str) -> bool {
    line.contains(':')
        && line.len() < 40
        && line
            .chars()
            .all(|c| c.is_ascii_digit() || c.is_whitespace() || matches!(c, ':' | '/' | '-' | '|'))
        && date::find(line).is_none()
}

/// Lists of links that an extractor ran into the text behind a name, up to the
/// button that would have closed them: `Sen. Ada Brill Ada Maria BrillBrill leaves
/// the council Ferries stop MORE said`. The name that is written twice, the
/// second time without a blank behind it, gives them away.
fn link_lists(paragraph: &str) -> Vec<Range<usize>> {
    const BUTTON: &str = " MORE";
    const LONGEST: usize = 800;
    let mut found = Vec::new();
    let mut from = 0;
    while let Some(at) = paragraph[from..].find(BUTTON).map(|at| from + at) {
        let end = at + BUTTON.len();
        let bounded = !paragraph[end..].starts_with(char::is_alphanumeric);
        let mut start = from.max(at.saturating_sub(LONGEST));
        while !paragraph.is_char_boundary(start) {
            start += 1;
        }
        if bounded {
            let words: Vec<(usize, &str)> = words(&paragraph[start..at]).collect();
            let repeated = words.iter().enumerate().find(|(index, (_, name))| {
                name.chars().count() > 2
                    && name.starts_with(char::is_uppercase)
                    && words[index + 1..].iter().take(6).any(|(_, later)| {
                        later.strip_prefix(name).is_some_and(|rest| {
                            rest.trim_start_matches(['\'', '’', '‘', '“'])
                                .starts_with(char::is_uppercase)
                        })
                    })
            });
            if let Some((_, (place, name))) = repeated {
                found.push(start + place + name.len()..end);
            }
        }
        from = end;
    }
    found
}

fn words(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.split_whitespace()
        .map(|word| (word.as_ptr() as usize - text.as_ptr() as usize, word))
}

/// Lines made of nothing but the words of buttons and menus.
fn controls(line: &str) -> Option<Kind> {
    if line.len() > 120 || (line.ends_with('.') && !line.ends_with("..")) {
        return None;
    }
    let mut votes = [0usize; 3];
    let mut words = 0;
    let mut digits = false;
    for token in line.split(|c: char| {
        c.is_whitespace() || matches!(c, '|' | '·' | '•' | '/' | ',' | '›' | '»' | '>' | '(' | ')')
    }) {
        let word = token
            .trim_matches(|c: char| !c.is_alphanumeric() && !matches!(c, '+' | '-'))
            .to_lowercase();
        if word.is_empty() || matches!(word.as_str(), "-" | "+") {
            continue;
        }
        words += 1;
        if word.chars().all(|c| c.is_ascii_digit() || c == ':') {
            digits = true;
            continue;
        }
        let known = [SHARE_WORDS, PLAYER_WORDS, MENU_WORDS]
            .iter()
            .enumerate()
            .filter(|(_, list)| list.contains(&word.as_str()))
            .map(|(index, _)| index)
            .collect::<Vec<_>>();
        if known.is_empty() && !FILLERS.contains(&word.as_str()) {
            return None;
        }
        for index in known {
            votes[index] += 1;
        }
    }
    if words == 0 || words > 14 {
        return None;
    }
    if votes == [0, 0, 0] {
        return None;
    }
    let [share, player, menu] = votes;
    if share >= player && share >= menu && share > 0 {
        return Some(Kind::Share);
    }
    // A single common word such as `News` is as likely a heading.
    (player + menu > 1 || digits || (words == 1 && ALONE.contains(&fingerprint(line).as_str())))
        .then_some(Kind::Navigation)
}

fn head(text: &str, bytes: usize) -> &str {
    let mut end = text.len().min(bytes);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

struct Rule {
    kind: Kind,
    weight: f32,
    /// Matches only lines that end in brackets: spares the others the search.
    bracket: bool,
    pattern: Regex,
}

fn pattern(text: &str) -> Regex {
    // The boundaries of Unicode words leave the regex crate's fast paths at the
    // first curly mark; those of ASCII do here.
    Regex::new(&text.replace(r"\b", r"(?-u:\b)")).expect("the patterns are written in this file")
}

const PHOTO_AGENCIES: &str = r"(?:Getty(?:\ Images)?|Reuters|REUTERS|AP(?:\ Photos?|\ Images)?|Associated\ Press|AFP|EPA(?:-EFE)?|Xinhua|TASS|Sputnik|Shutterstock|iStock(?:photo)?|Alamy|Bloomberg|Dreamstime|Flickr|Wikimedia(?:\ Commons)?|Pixabay|Unsplash|dpa|PA(?:\ Wire|\ Media)?|UPI|ANSA|Anadolu(?:\ Agency)?|NurPhoto|Landov|Newscom|Zuma(?:\ Press)?|ZUMA|Corbis|Handout|HANDOUT|Pool|POOL|Staff|[A-Z][\w.-]+\ (?:Images?|Photos?|Pictures|Photography|News\ Agency|Press\ Agency))";

static MARKUP: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?xi)gtag\b|gtag\.js|googletag|dataLayer|adsbygoogle|jwplayer|document\.(?:write|get|create|query)|window\.\w+\s*[=(]
        |\bfunction\s*\w*\([^)]*\)\s*\{ |^\s*var\s+\w+\s*= |^\s*<?!--|--\s*>\s*$ |^<[/!]?[a-z][^<>]*>(?:\s*<[/!]?[a-z][^<>]*>)*$
        |^\{.*[:;].*\}\s*;?$ |^\[/?(?:caption|embed|pullquote|gallery|video|youtube|tweet|vc_|et_|ad|widget|image)\b[^\]]*\]$
        |^\#\w+\#$ |^@media\b |font-family\s*: |^(?:\.|\#)[\w-]+\s*\{ |^\s*\}\s*\)?;?\s*$",
    )
});

static PLAYER: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)^(?:media playback is|your browser (?:does|doesn)|just watched\b|toggle caption|enlarge this image|image copyright)",
    )
});

static RULES: LazyLock<Vec<Rule>> = LazyLock::new(|| {
    let agency = PHOTO_AGENCIES;
    let rules: Vec<(Kind, f32, String)> = vec![
        (Kind::Advertisement, 6.0, r"(?xi)^[\W_]*(?:(?:advertisements?|ad|ads|sponsored(?:\ (?:content|post|links?))?|promoted(?:\ content)?|paid\ (?:content|post)|ad\ feedback|report\ this\ ad|remove\ ads|(?:story|article|content)\ continue[sd](?:\ (?:below|after|on)(?:\ (?:this\ |the\ )?(?:ad|advert|advertisement|video|gallery|promo))?)?|continue\ reading(?:\ (?:the\ main\ story|below))?|continued\ below|scroll\ (?:down\ )?(?:to|for)\ (?:continue|more).{0,40}|advertising)[\W_]*)+$".into()),
        (Kind::Caption, 6.0, r"(?i)^(?:image|media|photo|video|picture)s? (?:caption|copyright|credit|source)\b|\b(?:image|media) caption\b|^(?:media playback is|your browser (?:does|doesn)|just watched\b|photos: photos:|enlarge this image|toggle caption)|replay more videos".into()),
        (Kind::Contribution, 6.0, r"(?i)\bcontributed\b(?:[^.]{0,40}\bto)? (?:this|the|that) (?:report|story|article|piece|post|analysis|coverage|dispatch)\b|\bcontributed (?:to (?:the )?)?(?:reporting|this|research|from|additional)\b[^.]*\.?$".into()),
        (Kind::Contribution, 6.0, r"(?i)^[\W_]*(?:with )?(?:(?:additional|further|extra|more) )?(?:reporting|research|assistance|writing|editing|editing and writing|additional work|files|material|contributions?)\s?(?:by|from)\b[^.]{2,240}\.?\W*$".into()),
        (Kind::Contribution, 6.0, r"(?i)^[\W_]*contribut(?:ing|ors?|ed by)(?: (?:writers?|reporters?))?\s*:|^[\W_]*(?:with|from|by) (?:agencies|wires?|wire (?:reports?|services?)|agency (?:reports|inputs?)|inputs from .{2,40})\.?\W*$".into()),
        (Kind::Contribution, 5.0, r"^(?:\p{Lu}[\p{L}.’'-]+,? (?:and )?){2,10}contributed\.?$".into()),
        (Kind::Correction, 6.0, r"(?i)^[\W_]*(?:corrections?|clarifications?|editor[’']?s?[’']? notes?)\s*(?:[(:—–,-]|\s-\s)".into()),
        (Kind::Correction, 6.0, r"(?i)^.{0,80}\b(?:(?:this|the original) (?:article|story|post|report|piece|headline|column)|(?:an earlier|a previous|the original|an) version of (?:this|the) (?:\w+ ){0,3}?(?:article|story|post|report|piece|headline|column)|a \w+ in (?:this|the) (?:\w+ )?(?:article|story|post)) (?:(?:was|has been|have been|is) (?:\w+ )?(?:amended|corrected|updated|edited|clarified)|(?:\w+ )?(?:incorrectly|mistakenly|wrongly|erroneously|misstated|misidentified|misspelled|misattributed|mischaracterized|said|stated|gave))\b".into()),
        (Kind::Other, 6.0, r"(?i)copyright\s*(?:©|\(c\)|\d{4})|©\s*(?:copyright )?\d{4}|\ball rights reserved\b|may not be (?:published|reproduced), (?:broadcast|distributed)|distributed by [A-Z]\S+(?: syndicate)?\.?$|\bsyndicate, inc\b".into()),
        (Kind::Other, 6.0, r"(?i)\b(?:views|opinions)(?: and (?:views|opinions))? expressed\b.{0,120}\b(?:their|his|her|its|author[’']s) own\b|\b(?:views|opinions) expressed\b.{0,120}\b(?:necessarily|solely|do not represent|are (?:those|the opinions?) of|are (?:his|hers?|theirs))\b|\bviews are (?:his|her|their) own\b|transcript (?:has been|was) automatically|available without charge to any eligible".into()),
        (Kind::Other, 5.5, r"(?i)\bcan be (?:reached|contacted|followed) (?:at|on|via|by)\b|\[email[\s\u{a0}]?protected\]|^(?:write|send|e-?mail|contact)\b.{0,80}\b\S+@\S+\.\S+|^\S+@\S+\.\w+$|^(?:the )?(?:author|writer)s? (?:is|are) ".into()),
        (Kind::Share, 6.0, r"(?i)^[\W_]*(?:follow|like|join|find|connect with) .{1,80}\b(?:on|at) (?:twitter|facebook|instagram|linkedin|telegram|threads|bluesky|youtube|tiktok|whatsapp|x)\b.{0,80}$|^[\W_]*follow (?:us|@)\s?\w+.{0,60}$|^[\W_]*(?:read or )?share (?:this|via|on)\b.{0,80}$|(?:twitter|facebook|instagram):? @\w+\.?$|^follow @\w+.{0,80}$|^[\W_]*(?:share|tweet) this\b|\ball sharing options\b".into()),
        (Kind::Advertisement, 6.0, r"(?i)\byou (?:agree to (?:our|the|receive)|can unsubscribe)\b|\b(?:to|in|meet) your inbox\b|^[\W_]*click (?:here )?to get the\b|\bget the \S+(?: \S+){0,3} app\b".into()),
        (Kind::Advertisement, 5.0, r"(?i)^[\W_]*(?:sign up|subscribe|download (?:the|our)|support (?:our|independent|quality)|become an? (?:member|subscriber|supporter)|start (?:the day|your)|get (?:all the latest|the latest|breaking|our|unlimited)|try .{0,30} for free|join (?:our|the|more than)|already a subscriber|register (?:for|now)|donate|help us|buy now|shop (?:now|our)|visit our (?:shop|store)|manage newsletters?)\b.{0,260}$|^.{0,30}\bnewsletters?\b.{0,10}\bsign up\b".into()),
        (Kind::Related, 6.0, r"(?i)^[\W_]*\(\s*(?:photos?|videos?|pictures|also on|related|see(?: also)?|watch|read(?: more| also)?|more|cartoons?|gallery|click)\b[^()]{0,200}\)[\W_]*$".into()),
        (Kind::Related, 5.5, r"(?i)^[\W_]*(?:related(?: (?:articles?|stor(?:y|ies)|links?|content|topics?|coverage|news|video|reading|posts?))?|(?:also )?read(?: (?:more|also|next|on|this|the full (?:story|article|report)))?|(?:also )?see (?:also|more)|also see|more(?: on this)?|more (?:from|on|stories|coverage|news|great stories|about|in)|watch(?: (?:now|live|more|this|the video|below))?|don[’']t miss|next up|up next|in pictures|recommended(?: (?:for you|reading|stories))?|you (?:may|might) (?:also )?(?:like|be interested).{0,20}|most (?:read|popular|viewed|shared)|trending(?: now)?|must[- ](?:read|watch|see)|further reading|complete coverage|full coverage|special coverage|icymi|what we[’']re reading|join the conversation|keep reading|also on .{2,20}|photos?|videos?|pictures|gallery|slideshow|listen(?: to.{0,30})?|click (?:here|for|to)\b.{0,60}|tags|topics|filed under|categor(?:y|ies)|explore more.{0,20}|editor[’']s picks?)\s*(?:[:»>→]+(?:\s.{0,240}[^.”’!]|\s*)|\s*\W*)$".into()),
        (Kind::Related, 5.0, r"(?i)^[\W_]*click (?:here|for|to|on)\b.{0,160}$|^\W{0,4}read (?:the )?(?:more|full|original|rest)\b.{0,80}$|^\W{0,4}more:\s?\S.{0,200}$|^return to (?:the )?top\b.{0,40}$".into()),
        (Kind::Other, 4.0, r"(?i)^story highlights\b|^(?:this|the) (?:article|story|column|piece|interview|essay|post) (?:was|is|first|originally|also|appears?|appeared)\b.{0,30}\b(?:published|appeared|appears|produced|adapted|excerpted|translated|part of)\b.{0,160}$|^this appears in the\b".into()),
        (Kind::Caption, 6.0, format!(r"(?x)\(\s*(?i:photo(?:graph|graphed|s)?|image|picture|credit|courtesy|illustration|screenshot|source|file|photo\ credit|video)s?\b[\s:/,-]*(?i:by|from|courtesy|credit|photo|of|:)?[^()]{{2,140}}(?:\([^()]*\))?[^()]*\)?[.\s]*$|\(\s*[^()]*(?:/|©|\bvia\ |\bPhoto\b){agency}?[^()]*\b{agency}\b[^()]*\)\.?\s*$|\(\s*{agency}\ ?/[^()]+\)\.?\s*$|\(\s*[^()]*(?:\bPhoto\b|file\ photo|Handout)[^()]*\)\.?\s*$|\(\s*[^()]{{2,80}}/\s?{agency}[^()]*\)\.?\s*$")),
        (Kind::Credit, 6.0, format!(r"(?x)^[\W_]*(?i:photo(?:graph|graphs|graphy|grapher|s)?|image|picture|pic|video|illustration|graphic|credit|source|screenshot|photo\ illustration|cover\ image|featured\ image|header\ image|main\ image)s?(?:\ (?i:credit|by|courtesy|source|via))*(?:\ (?i:of|to))?\s*[:/©|]\s*[^.]{{2,120}}\.?$|^(?i:photo(?:graph)?s?|photography|video|illustration|image)\ (?i:by|courtesy\ of|from)\ [^.]{{2,80}}$|^[\W_]*(?:\p{{Lu}}[\w.’'-]*\ ?){{1,5}}\s?/\s?{agency}(?:\s?[/,].{{1,60}}|\ via\ .{{2,60}})?\)?\.?$|^[\W_]*(?:[©]\s?)?{agency}(?:\s?[/,&|]\s?{agency})*[\W_]*$|^(?i:photos?|image|credit|photo\ credit|file\ photo)[\W_]*$")),
        (Kind::Caption, 6.0, format!(r#"(?x)(?:[.!?”"’]|\b\d{{4}}|\p{{Ll}})\s+(?:\p{{Lu}}[\p{{L}}.’'-]*\ ){{1,4}}?\p{{Lu}}[\p{{L}}.’'-]*\s?/\s?{agency}(?:\s?/.{{2,40}}|\ via\ .{{2,40}})?\s*$|\s(?:AP\ Photo|REUTERS|AFP|EPA|Getty)/\S.{{1,60}}$|\s(?:[|©]|(?i:photo|photograph|photographer|image|picture|credit|photo\ credit|source|file\ photo)\s?:)\s?[^.]{{2,60}}$"#)),
        (Kind::Caption, 6.0, r"^(?:FILES?|File)(?:\s(?i:photo|picture|image|pic|footage|-))?\s*(?:[-–—:.]|\()\s*\S|^(?i:file (?:photo|image|picture)|photo file)\b|^(?i:pictured|picture shows|photo shows|caption)\s*[:,]?\s".into()),
        (Kind::Caption, 5.0, r"^(?i:in this|this) [^.]{0,60}\b(?:photo|photograph|image|picture|frame grab|video grab|screengrab|handout|satellite image)\b|^(?i:a (?:still|screengrab|screenshot|video grab|frame) (?:from|of))\b|^CLOSE [A-Z]".into()),
        (
            Kind::Timestamp,
            6.0,
            r"(?i)^this (?:article|story|post) is (?:more than|over) \S+ (?:years?|months?|weeks?|days?) old\W*$".into(),
        ),
        // `Ferries:Orla to stop all ships`: a link whose label lost its blank.
        (
            Kind::Related,
            4.0,
            r"^\p{Lu}[\p{L}\d’' ]{1,30}:[\p{Lu}“‘][^:]{14,180}[^.!”:]$".into(),
        ),
        (
            Kind::Advertisement,
            6.0,
            r"(?i)\bsign up\b.{0,80}\bnewsletters?\b|\bnewsletters?\b.{0,60}\b(?:sign up|subscribe)\b|\bsupport (?:our|independent|progressive|quality|\S+[’']s)(?: \w+)? journalism\b|\bstart your free trial\b|^(?:like|enjoy(?:ed|ing)?) (?:what you[’']re reading|this (?:article|story))\b|^thank you for (?:signing|subscribing)|^(?:watch|get|read|find) (?:the )?(?:latest|more)\b.{0,100}\bat \S+\.\w{2,4}\b.{0,60}$|^[\W_]*visit .{2,60}\bfor more\b".into(),
        ),
        (
            Kind::Other,
            6.0,
            r"(?i)\brush transcript\b|may not be in its final form|transcripts? (?:is|are) created|^[\W_]*(?:send|got|have) (?:us )?(?:an? )?(?:news )?tips?\b.{0,100}(?:\?|\bto\b|@)|^[\W_]*this (?:article|story|post|column|report|piece) is (?:based|tagged|part of|adapted|excerpted|republished|produced)\b|\badd .{2,40} as an interest\b".into(),
        ),
        (
            Kind::Caption,
            6.0,
            r"^Photos?: .{3,100} Photos?: |^(?:Facebook|Twitter|Pinterest)(?: (?:Facebook|Twitter|Pinterest|Email)){1,3} \S+ \S".into(),
        ),
        // By itself: beside patterns bound to the start of the line it is slow.
        (Kind::Related, 5.0, r"(?i)\bread more[ .:…»>!]{0,4}$".into()),
        (
            Kind::Contribution,
            6.0,
            r"\b(?:Associated Press|AP|Reuters|AFP|CNN|Press|News|Post|Times)(?:[’']s?)? (?:staff )?(?:writers?|reporters?|journalists?|correspondents?|researchers?) \p{Lu}.{2,500}\bcontributed\.?$".into(),
        ),
        // A bracketed phrase that is no sentence of its own.
        (Kind::Caption, 4.0, r"^\([^().?!]{4,160}\)$".into()),
        (Kind::Related, 3.0, r"(?i)^(?:watch|video|photos?|read|listen|live|podcast|gallery|explainer|opinion|analysis|fact check|exclusive|breaking)\s*[:|–—-]+\s*\S.{0,200}[^.]$".into()),
        (Kind::Other, 3.0, r"(?i)^(?:analysis/opinion|commentary|opinion|analysis|exclusive|updated?|breaking|live|editorial|column|special report|fact check|world|politics|us|national)\W*$".into()),
        (Kind::Other, 6.0, r"^\W*(?:-?30-?|ENDS?|###|eom)\W*$".into()),
    ];
    rules
        .into_iter()
        .map(|(kind, weight, text)| Rule {
            kind,
            weight,
            bracket: text.starts_with(r"(?x)\("),
            pattern: pattern(&text),
        })
        .collect()
});

static THANKS: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)^[\W_]*(?:with )?(?:(?:additional|further|extra|more) )?(?:reporting|research|assistance|writing|editing|editing and writing|additional work|files|material|contributions?)\s?(?:by|from)\b",
    )
});

static INLINE: LazyLock<Vec<(Regex, Kind)>> = LazyLock::new(|| {
    vec![
        (
            pattern(
                r"\s*\b(?:(?i:story continued below|(?:story|article) continues below(?: (?:this )?(?:ad|advertisement))?|continue reading the main story)|ADVERTISEMENT)\b[\s:]*",
            ),
            Kind::Advertisement,
        ),
        (
            pattern(
                r"\s*\(\s?(?:RELATED|READ|READ MORE|ALSO READ|SEE ALSO|WATCH|PHOTOS|VIDEO|MORE|POLL|Related|Read more|Also read|See also|Watch|Photos|(?i:also on) [A-Z]\w+)\s?:\s[^()]{3,200}\)",
            ),
            Kind::Related,
        ),
        (pattern(r"\s*\[n[LNS]\w{6,14}\]"), Kind::Markup),
        (
            pattern(r"\s*\b(?:pic\.twitter\.com/\w+|https?://t\.co/\w+)"),
            Kind::Markup,
        ),
        (
            pattern(
                r"\s*\[(?:embed|caption|/caption|gallery|video|pullquote|/pullquote)\b[^\]]*\]",
            ),
            Kind::Markup,
        ),
        (
            pattern(
                r"\s*</?(?:p|br|div|span|em|strong|b|i|a|u|img|iframe|h[1-6]|li|ul|blockquote|figure)\b[^<>]{0,300}>",
            ),
            Kind::Markup,
        ),
    ]
});

static LEAD_WORD: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)^\s*(?:date|(?:last )?(?:published|updated|posted|modified))\s*(?:on|at)?\s*[:|-]?\s*",
    )
});

static ENDING_CREDIT: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r#"(?x)[.!?”"’](?P<credit>\s*(?:\((?:AP|Reuters|REUTERS|AFP|ANI|PTI|IANS|dpa|DPA|Xinhua|TASS|UPI|Agencies|AGENCIES)\)
        |\s[—–-]{1,3}\s?(?:AP|Reuters|REUTERS|AFP|ANI|PTI|IANS|dpa|Bloomberg|Associated\ Press|Agencies|TASS|UPI))\.?\s*)$"#,
    )
});

static ENDING_CONTRIBUTION: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)\s*\((?:(?:additional )?reporting|writing|editing|compiled|with (?:inputs|reporting|files))\b[^()]{3,300}\)?\s*$",
    )
});

const LINKING: &[&str] = &[
    "and",
    "in",
    "of",
    "for",
    "by",
    "from",
    "with",
    "the",
    "at",
    "de",
    "van",
    "von",
    "der",
    "la",
    "el",
    "al",
    "bin",
    "additional",
    "reporting",
    "editing",
    "writing",
    "research",
    "further",
    "our",
    "staff",
    "agencies",
    "writers",
    "correspondents",
    "wires",
    "assistance",
    "contributions",
];

const TIME_WORDS: &[&str] = &[
    "published",
    "updated",
    "posted",
    "last",
    "modified",
    "first",
    "created",
    "date",
    "time",
    "on",
    "at",
    "as",
    "of",
    "min",
    "mins",
    "minute",
    "minutes",
    "hour",
    "hours",
    "hrs",
    "day",
    "days",
    "week",
    "weeks",
    "month",
    "months",
    "year",
    "years",
    "am",
    "pm",
    "a.m",
    "p.m",
    "et",
    "edt",
    "est",
    "ct",
    "pt",
    "gmt",
    "utc",
    "bst",
    "cet",
    "cest",
    "ist",
    "local",
    "eastern",
    "pacific",
    "central",
    "issued",
    "edited",
    "update",
    "article",
    "story",
    "original",
    "originally",
    "st",
    "nd",
    "rd",
    "th",
    "the",
    "h",
    "m",
];

const SHARE_WORDS: &[&str] = &[
    "share",
    "tweet",
    "facebook",
    "twitter",
    "email",
    "e-mail",
    "pinterest",
    "linkedin",
    "whatsapp",
    "reddit",
    "telegram",
    "flipboard",
    "pocket",
    "tumblr",
    "sms",
    "messenger",
    "google+",
    "shares",
    "bookmark",
    "like",
    "pin",
    "viber",
    "vkontakte",
    "comments",
    "comment",
    "print",
    "save",
    "follow",
    "copy",
    "link",
    "instagram",
    "threads",
    "bluesky",
    "mastodon",
    "x",
    "gift",
    "retweet",
    "likes",
    "url",
    "xing",
    "weibo",
    "wechat",
    "mail",
    "embed",
    "repost",
];

const PLAYER_WORDS: &[&str] = &[
    "text",
    "audio",
    "video",
    "listen",
    "play",
    "pause",
    "mute",
    "unmute",
    "volume",
    "font",
    "size",
    "fullscreen",
    "replay",
    "loading",
    "playing",
    "duration",
    "subtitles",
    "captions",
    "settings",
    "speed",
    "transcript",
    "aloud",
    "skip",
    "a+",
    "a-",
    "rewind",
    "forward",
    "watch",
    "live",
    "stream",
    "player",
    "resize",
    "larger",
    "smaller",
    "increase",
    "decrease",
    "autoplay",
    "playback",
    "1x",
    "toggle",
    "download",
];

const MENU_WORDS: &[&str] = &[
    "home",
    "menu",
    "search",
    "next",
    "previous",
    "prev",
    "back",
    "top",
    "expand",
    "collapse",
    "show",
    "hide",
    "close",
    "enlarge",
    "image",
    "images",
    "gallery",
    "slideshow",
    "subscribe",
    "sign",
    "log",
    "login",
    "register",
    "account",
    "open",
    "continue",
    "main",
    "content",
    "navigation",
    "sections",
    "edition",
    "photos",
    "photo",
    "view",
    "all",
    "click",
    "zoom",
    "slide",
    "sidebar",
    "newsletter",
    "newsletters",
    "cookies",
    "accept",
    "submit",
    "cancel",
    "read",
    "more",
    "less",
    "topics",
    "tags",
    "advertise",
    "contact",
    "privacy",
    "terms",
    "rss",
    "feed",
    "archive",
];

const FILLERS: &[&str] = &[
    "this",
    "article",
    "story",
    "on",
    "via",
    "us",
    "to",
    "the",
    "of",
    "in",
    "by",
    "a",
    "for",
    "off",
    "up",
    "with",
    "your",
    "now",
    "post",
    "page",
    "news",
    "here",
    "our",
    "and",
    "or",
    "from",
    "time",
    "current",
    "remaining",
    "is",
    "it",
    "add",
    "an",
    "out",
    "down",
];

const ALONE: &[&str] = &[
    "menu",
    "next",
    "previous",
    "prev",
    "close",
    "gallery",
    "slideshow",
    "loading",
    "listen",
    "play",
    "pause",
    "mute",
    "expand",
    "collapse",
    "enlarge",
    "subscribe",
    "login",
    "register",
    "search",
    "home",
    "transcript",
    "fullscreen",
    "replay",
    "watch",
    "text",
    "audio",
    "video",
    "zoom",
    "submit",
];

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn cut(line: &str) -> Option<Kind> {
        residue(line)
            .filter(|e| e.weight > prose(line) + 0.5)
            .map(|e| e.kind)
    }

    #[test]
    fn residue_of_every_kind_is_recognised_by_its_form() {
        for (line, kind) in [
            ("Text Audio", Kind::Navigation),
            ("00:00 00:00", Kind::Navigation),
            ("Font Size", Kind::Navigation),
            ("prev Image 2 of 2", Kind::Navigation),
            ("Play Mute 0:00 / 2:14 Fullscreen", Kind::Navigation),
            ("Share Tweet Email", Kind::Share),
            ("Share on Facebook | Share on Twitter", Kind::Share),
            ("Follow Ada Brill on Twitter @adabrill.", Kind::Share),
            ("Advertisement", Kind::Advertisement),
            (
                "- Advertisement - Story continues below",
                Kind::Advertisement,
            ),
            ("Story Continued Below", Kind::Advertisement),
            (
                "Sign up for the Harbour Brief, our weekly newsletter.",
                Kind::Advertisement,
            ),
            ("!-- Site tag (gtag.js) -->", Kind::Markup),
            ("<div class=\"x\"></div>", Kind::Markup),
            ("window.dataLayer = window.dataLayer || [];", Kind::Markup),
            ("Published: 4 March 2019 16:40 GMT", Kind::Timestamp),
            ("Updated 3 hours ago", Kind::Timestamp),
            ("March 4, 2019", Kind::Timestamp),
            (
                "Mon 4 Mar 2019 08.30 GMT Last modified on Tue 5 Mar 2019 09.10 GMT",
                Kind::Timestamp,
            ),
            ("SOURCE: HARBOUR PRESS", Kind::Credit),
            ("Photo: Ada Brill/Getty Images", Kind::Credit),
            ("Ada Brill/AP", Kind::Credit),
            ("Getty Images", Kind::Credit),
            (
                "The mayor at the pier. (Photo by Ada Brill/Getty Images)",
                Kind::Caption,
            ),
            (
                "The mayor at the pier on Friday. (Ada Brill/Reuters)",
                Kind::Caption,
            ),
            (
                "FILE PHOTO: The pier is seen at night, March 4, 2019. REUTERS/Ada Brill",
                Kind::Caption,
            ),
            (
                "Image copyright Reuters Image caption The pier was empty on Friday",
                Kind::Caption,
            ),
            ("(Harbour Minister Ilse Brandt)", Kind::Caption),
            (
                "— Ada Brill in Orla contributed to this report.",
                Kind::Contribution,
            ),
            (
                "With reporting by Reuters, AP, Harbour News",
                Kind::Contribution,
            ),
            (
                "(Reporting by Ada Brill; Editing by Oskar Venn)",
                Kind::Contribution,
            ),
            (
                "Correction: An earlier version misspelled the mayor's name.",
                Kind::Correction,
            ),
            (
                "This article was amended on 4 March 2019 to remove a wrong figure.",
                Kind::Correction,
            ),
            ("READ MORE: Ferries stop for a third day", Kind::Related),
            ("( PHOTOS: Ferries of the north)", Kind::Related),
            (
                "Copyright © 2019 The Port Courier, LLC. Click here for reprint permission.",
                Kind::Other,
            ),
            ("* * *", Kind::Other),
            (
                "Ferries:Orla to stop all ships before the winter",
                Kind::Related,
            ),
            ("This article is more than 2 years old", Kind::Timestamp),
            ("More On This...", Kind::Related),
            (
                "This is a rush transcript. Copy may not be in its final form.",
                Kind::Other,
            ),
            (
                "Enjoyed this story? Sign up for the Harbour Brief newsletter.",
                Kind::Advertisement,
            ),
            (
                "The views expressed by contributors are their own.",
                Kind::Other,
            ),
        ] {
            assert_eq!(cut(line), Some(kind), "{line}");
        }
    }

    #[test]
    fn sentences_of_the_report_are_kept() {
        for line in [
            "The harbour master published the photo on Friday, and the paper printed it.",
            "“Follow us,” the captain told the crowd.",
            "The ministry released a photo of the pier (taken in 2019).",
            "The two sides will continue reading the treaty, clause by clause.",
            "She contributed $400 to the campaign, records show.",
            "He read more than he wrote.",
            "(The ferries had stopped in 2014, too.)",
            "Residents can sign up for the new ferry pass at the town hall from Friday.",
            "Brill, who edits the Port Courier, said the video was real.",
            "“They share this view,” Venn said.",
            "It was 4:30 p.m. on March 4, 2019.",
            "More from the harbour came in the evening, when the last of the ships returned to port.",
            "Watch the gap, he said.",
            "They condemned the views expressed by either captain, who said nothing more about it.",
            "The report was wrong, the mayor said, and the post stated as much on Friday evening.",
            "Research by the harbour institute shows that ferries stop more often in March.",
            "Reporting from the pier, the courier's Ada Brill says the ferries won't sail.",
            "More on this will be known when the council meets again on Friday, she said.",
            "Got it, he said.",
            "Like what you see or not, the pier stays, the mayor told the council on Friday.",
            "[Update: On Friday, the council approved the new ferry.]",
        ] {
            assert_eq!(cut(line), None, "{line}");
        }
    }

    #[test]
    fn headings_are_no_residue() {
        for line in [
            "‘More and more distant’",
            "Ferries and treaties",
            "What happens next?",
            "A wider dispute",
        ] {
            assert_eq!(cut(line), None, "{line}");
        }
    }

    #[test]
    fn residue_inside_a_paragraph_is_found() {
        let without = |text: &str| {
            let mut out = String::new();
            let mut at = 0;
            for (range, _) in inline(text) {
                out.push_str(&text[at..range.start]);
                at = range.end;
            }
            out + &text[at..]
        };
        assert_eq!(
            without(" date 2019-03-04 The ferries stopped."),
            "The ferries stopped."
        );
        assert_eq!(
            without("The ferries Story Continued Below stopped."),
            "The ferries stopped."
        );
        assert_eq!(
            without("They stopped. (RELATED: Ferries stop) Nobody knew."),
            "They stopped. Nobody knew."
        );
        assert_eq!(
            without(
                "Sen. Ada Brill Ada Maria BrillBrill leaves the council Ferries stop MORE said no."
            ),
            "Sen. Ada Brill said no."
        );
        assert_eq!(
            without("They wanted MORE ships, Brill said."),
            "They wanted MORE ships, Brill said."
        );
        assert_eq!(
            without("March 4, 2019 was a Monday."),
            "March 4, 2019 was a Monday."
        );
        assert_eq!(
            without("On March 4, 2019 They met."),
            "On March 4, 2019 They met."
        );
    }

    #[test]
    fn credits_after_the_last_sentence_are_found() {
        let tail =
            |text: &str| trailing(text).map(|(range, kind)| (text[..range.start].to_owned(), kind));
        assert_eq!(
            tail("They left. The Harbour Press contributed to this report."),
            Some(("They left.".into(), Kind::Contribution))
        );
        assert_eq!(
            tail("They left. (Reporting by Ada Brill; editing by Oskar Venn)"),
            Some(("They left.".into(), Kind::Contribution))
        );
        assert_eq!(
            tail("They left. — AP"),
            Some(("They left.".into(), Kind::Credit))
        );
        assert_eq!(tail("They left. Nobody knew."), None);
        assert_eq!(tail("He works for AP"), None);
    }

    proptest! {
        #[test]
        fn any_line_is_judged_without_panic(line in any::<String>()) {
            let _ = (residue(&line), prose(&line), is_timestamp(&line), trailing(&line));
            let mut at = 0;
            for (range, _) in inline(&line) {
                prop_assert!(range.start >= at && range.start <= range.end);
                prop_assert!(line.get(range.clone()).is_some());
                at = range.end;
            }
        }
    }
}
