//! The forms that residue has, as patterns over lines that
//! [`flat`](crate::pattern::flat) has prepared.

use std::sync::LazyLock;

use regex::bytes::Regex;

use super::Kind;
use super::Kind::{
    Advertisement, Caption, Contribution, Correction, Credit, Navigation, Other, Related, Share,
    Timestamp,
};
use crate::pattern::flat_latin;

/// One form of residue.
pub(super) struct Rule {
    pub(super) kind: Kind,
    /// As in [`Evidence`](super::Evidence).
    pub(super) weight: f32,
    /// Matches only lines that end in brackets: spares the others the search.
    pub(super) bracket: bool,
    pub(super) pattern: Regex,
}

/// Every form; of those that match, the strongest counts, and of equals the first.
pub(super) static RULES: LazyLock<Vec<Rule>> = LazyLock::new(|| {
    TABLE
        .iter()
        .map(|(kind, weight, text)| {
            let text = text.replace("{agency}", PHOTO_AGENCIES);
            Rule {
                kind: *kind,
                weight: *weight,
                bracket: text.starts_with(r"(?x)\("),
                pattern: flat_latin(&text),
            }
        })
        .collect()
});

/// Code, styles, comments, short codes of content systems.
pub(super) static MARKUP: LazyLock<Regex> = LazyLock::new(|| {
    flat_latin(
        r"(?xi)gtag\b|gtag\.js|googletag|dataLayer|adsbygoogle|jwplayer|document\.(?:write|get|create|query)|window\.\w+\s*[=(]
        |\bfunction\s*\w*\([^)]*\)\s*\{ |^\s*var\s+\w+\s*= |^\s*<?!--|^<!-|--\s*>\s*$ |^<[/!]?[a-z][^<>]*>(?:\s*<[/!]?[a-z][^<>]*>)*$
        |^\{.*[:;].*\}\s*;?$ |^\[/?(?:caption|embed|pullquote|gallery|video|youtube|tweet|vc_|et_|ad|widget|image)\b[^\]]*\]$
        |^\#\w+\#$ |^@media\b |font-family\s*: |^(?:\.|\#)[\w-]+\s*\{ |^\s*\}\s*\)?;?\s*$ |^\d{9,}$",
    )
});

/// How the text of a player or picture gallery begins or ends, which may be long.
pub(super) static PLAYER: LazyLock<Regex> = LazyLock::new(|| {
    flat_latin(
        r"(?i)^(?:media playback is|your browser (?:does|doesn)|just watched\b|toggle caption|enlarge this image|image copyright|photos: .{3,160} photos: |hide caption\b)|\bhide caption \d+ of \d+\s*$",
    )
});

/// What introduces a list of people who are thanked.
pub(super) static THANKS: LazyLock<Regex> = LazyLock::new(|| {
    flat_latin(
        r"(?i)^[\W_]*(?:with )?(?:(?:additional|further|extra|more) )?(?:reporting|research|assistance|writing|editing|editing and writing|additional work|files|material|contributions?)\s?(?:by|from)\b",
    )
});

/// The author and date at the end of a post that an article shows.
pub(super) static POST: LazyLock<Regex> =
    LazyLock::new(|| flat_latin(r"\(@\w{1,15}\) \w{3,9} \d{1,2}, \d{4}\W*$"));

const PHOTO_AGENCIES: &str = r"(?:Getty(?:\ Images)?|Reuters|REUTERS|AP(?:\ Photos?|\ Images)?|Associated\ Press|AFP|EPA(?:-EFE)?|Xinhua|TASS|Sputnik|Shutterstock|iStock(?:photo)?|Alamy|Bloomberg|Dreamstime|Flickr|Wikimedia(?:\ Commons)?|Pixabay|Unsplash|dpa|PA(?:\ Wire|\ Media|\ Images)?|UPI|ANSA|Anadolu(?:\ Agency)?|NurPhoto|Landov|Newscom|Zuma(?:\ Press)?|ZUMA|Corbis|Handout|HANDOUT|Pool|POOL|Staff|[A-Z][\w.-]+\ (?:Images?|Photos?|Pictures|Photography|News\ Agency|Press\ Agency))";

const TABLE: &[(Kind, f32, &str)] = &[
    (
        Advertisement,
        6.0,
        r"(?xi)^[\W_]*(?:(?:advertisements?|ad|ads|sponsored(?:\ (?:content|post|links?))?|promoted(?:\ content)?|paid\ (?:content|post)|ad\ feedback|report\ this\ ad|remove\ ads|(?:story|article|content)\ continue[sd](?:\ (?:below|after|on)(?:\ (?:this\ |the\ )?(?:ad|advert|advertisement|video|gallery|promo))?)?|continue\ reading(?:\ (?:the\ main\ story|below))?|continued\ below|scroll\ (?:down\ )?(?:to|for)\ (?:continue|more|video).{0,40}|advertising)[\W_]*)+$",
    ),
    (
        Caption,
        6.0,
        r"(?i)^(?:image|media|photo|video|picture)s? (?:caption|copyright|credit|source)\b|\b(?:image|media) caption\b|^(?:media playback is|your browser (?:does|doesn)|just watched\b|photos: .{3,160} photos: |enlarge this image|toggle caption|hide caption\b)|replay more videos|\bhide caption \d+ of \d+\s*$",
    ),
    (
        Contribution,
        6.0,
        r"(?i)\bcontributed\b(?:[^.]{0,40}\bto)? (?:this|the|that) (?:report|story|article|piece|post|analysis|coverage|dispatch)\b|\bcontributed (?:to (?:the )?)?(?:reporting|this|research|from|additional)\b[^.]*\.?$",
    ),
    (
        Contribution,
        6.0,
        r"(?i)^[\W_]*(?:with )?(?:(?:additional|further|extra|more) )?(?:reporting|research|assistance|writing|editing|editing and writing|additional work|files|material|contributions?)\s?(?:by|from)\b[^.]{2,240}\.?\W*$",
    ),
    (
        Contribution,
        6.0,
        r"(?i)^[\W_]*contribut(?:ing|ors?|ed by)(?: (?:writers?|reporters?))?\s*:|^[\W_]*(?:with|from|by) (?:agencies|wires?|wire (?:reports?|services?)|agency (?:reports|inputs?)|inputs from .{2,40})\.?\W*$",
    ),
    (
        Contribution,
        6.0,
        r"(?i)^[\W_]*(?:this|the) (?:article|story|report|post) (?:is|was) based (?:in part )?(?:up)?on (?:\S+ ){0,3}(?:wire|agency|agencies|reporting by)\b|^[\W_]*(?:material|information|reporting) from .{2,80} (?:was|is|were) (?:also )?used in this (?:report|story|article)\b",
    ),
    (
        Contribution,
        5.0,
        r"^(?:\p{Lu}[\p{L}.'-]+,? (?:and )?){2,10}contributed\.?$",
    ),
    (
        Contribution,
        5.0,
        r"^[\W_]*(?:\p{Lu}[\p{L}.'-]+ (?:and )?){1,6}reported from \p{Lu}[\p{L}.'-]*(?:,? (?:and )?\p{Lu}[\p{L}.'-]*){0,8}\W*$",
    ),
    (
        Correction,
        6.0,
        r"(?i)^[\W_]*(?:corrections?|clarifications?|editor'?s?'? notes?)\s*(?:[(:,-]|\s-\s)",
    ),
    (
        Correction,
        6.0,
        r"(?i)^.{0,80}\b(?:(?:this|the original) (?:article|story|post|report|piece|headline|column)|(?:an earlier|a previous|the original|an) version of (?:this|the) (?:\w+ ){0,3}?(?:article|story|post|report|piece|headline|column)|a \w+ in (?:this|the) (?:\w+ )?(?:article|story|post)) (?:(?:was|has been|have been|is) (?:\w+ )?(?:amended|corrected|updated|edited|clarified)|(?:\w+ )?(?:incorrectly|mistakenly|wrongly|erroneously|misstated|misidentified|misspelled|misattributed|mischaracterized|said|stated|gave))\b",
    ),
    (
        Other,
        6.0,
        r"(?i)copyright\s*(?:\(c\)|\d{4})|\(c\)\s*(?:copyright )?\d{4}|\ball rights reserved\b|may not be (?:published|reproduced), (?:broadcast|distributed)|distributed by [a-z]\S+(?: syndicate)?\.?$|\bsyndicate, inc\b",
    ),
    (
        Other,
        6.0,
        r"(?i)\b(?:views|opinions)(?: and (?:views|opinions))? expressed\b.{0,120}\b(?:their|his|her|its|author's) own\b|\b(?:views|opinions) expressed\b.{0,120}\b(?:necessarily|solely|do not represent|are (?:those|the opinions?) of|are (?:his|hers?|theirs))\b|\bviews are (?:his|her|their) own\b|transcript (?:has been|was) automatically|available without charge to any eligible",
    ),
    (
        Other,
        5.5,
        r"(?i)\bcan be (?:reached|contacted|followed) (?:at|on|via|by)\b|\[email ?protected\]|^(?:write|send|e-?mail|contact)\b.{0,80}\b\S+@\S+\.\S+|^\S+@\S+\.\w+$|^(?:the )?(?:author|writer)s? (?:is|are) |\bpitch us at\b",
    ),
    (
        Other,
        5.5,
        r"(?i)^(?:you can|to) (?:submit|read (?:more|diverse)) .{0,40}\b(?:letters?|editorials?|opinions?|columns?)\b|^(?:send|submit) .{0,40}\bto the editors?\b",
    ),
    (
        Share,
        6.0,
        r"(?i)^[\W_]*(?:follow|like|join|find|connect with) .{1,80}\b(?:on|at) (?:twitter|facebook|instagram|linkedin|telegram|threads|bluesky|youtube|tiktok|whatsapp|x)\b.{0,80}$|^[\W_]*follow (?:us|@)\s?\w+.{0,60}$|^[\W_]*(?:read or )?share (?:this|via|on)\b.{0,80}$|^[\W_]*read or share this\b|(?:twitter|facebook|instagram):? @\w+\.?$|^follow @\w+.{0,80}$|^[\W_]*(?:share|tweet) this\b|\ball sharing options\b",
    ),
    (
        Share,
        6.0,
        r"(?i)^[\W_]*(?:follow on )?(?:facebook|twitter|instagram|youtube|linkedin|telegram|website)\s*:\s*(?:https?:|www\.|@|follow\b)|\bshare this article\b.{0,30}\bshare\b.{0,10}\btweet\b|\blisten to article \d",
    ),
    (
        Advertisement,
        6.0,
        r"(?i)\byou (?:agree to (?:our|the|receive)|can unsubscribe)\b|\b(?:to|in|meet) your inbox\b|^[\W_]*click (?:here )?to get the\b|\bget the \S+(?: \S+){0,3} app\b",
    ),
    (
        Advertisement,
        5.0,
        r"(?i)^[\W_]*(?:sign up|subscribe|download (?:the|our)|support (?:our|independent|quality)|become an? (?:member|subscriber|supporter)|start (?:the day|your)|get (?:all the latest|the latest|breaking|our|unlimited)|try .{0,30} for free|join (?:our|the|more than)|already a subscriber|register (?:for|now)|donate|help us|buy now|shop (?:now|our)|visit our (?:shop|store)|manage newsletters?)\b.{0,260}$|^.{0,30}\bnewsletters?\b.{0,10}\bsign up\b",
    ),
    (
        Advertisement,
        6.0,
        r"(?i)^.{2,60} is an? (?:(?:independent|nonpartisan|non-?profit|award-winning),? ){0,3}(?:news ?(?:room|organi[sz]ation|outlet|site|service)|publication)\b.{0,160}\b(?:sign up|subscribe|newsletters?|donate|support us|become a member)\b",
    ),
    (
        Advertisement,
        3.0,
        r"(?i)^(?:special|alert|urgent(?: poll)?)\s*:\s*\S.{0,120}[^.]$",
    ),
    (
        Related,
        6.0,
        r"(?i)^[\W_]*\(\s*(?:photos?|videos?|pictures|also on|related|see(?: also)?|watch|read(?: more| also)?|more|cartoons?|gallery|click|podcasts?|polls?|listen|quiz)\b[^()]{0,200}\)[\W_]*$",
    ),
    // `( PODIUM: Who spoke at the pier)`
    (
        Related,
        5.0,
        r"^\(\s*[A-Z]{4,}(?: [A-Z]+){0,3}\s?: [^()]{3,200}\)\W*$",
    ),
    (
        Related,
        5.5,
        r#"(?i)^[\W_]*(?:related(?: (?:articles?|stor(?:y|ies)|links?|content|topics?|coverage|news|video|reading|posts?))?|(?:also )?read(?: (?:more|also|next|on|this|the full (?:story|article|report)))?|(?:also )?see (?:also|more)|also see|more(?: on this)?|more (?:from|on|stories|coverage|news|great stories|about|in)|watch(?: (?:now|live|more|this|the video|below))?|don't miss|next up|up next|in pictures|recommended(?: (?:for you|reading|stories))?|you (?:may|might) (?:also )?(?:like|be interested).{0,20}|most (?:read|popular|viewed|shared)|trending(?: now)?|must[- ](?:read|watch|see)|further reading|complete coverage|full coverage|special coverage|icymi|what we're reading|join the conversation|keep reading|also on .{2,20}|photos?|videos?|pictures|gallery|slideshow|listen(?: to.{0,30})?|click (?:here|for|to)\b.{0,60}|tags|topics|filed under|categor(?:y|ies)|explore more.{0,20}|editor's picks?)\s*(?:[:>]+(?:\s.{0,240}[^."!]|\s*)|\s*\W*)$"#,
    ),
    (
        Related,
        5.0,
        r"(?i)^[\W_]*click (?:here|for|to|on)\b.{0,160}$|^\W{0,4}read (?:the )?(?:more|full|original|rest)\b.{0,80}$|^\W{0,4}more:\s?\S.{0,200}$|^return to (?:the )?top\b.{0,40}$",
    ),
    (
        Other,
        4.0,
        r"(?i)^story highlights\b|^(?:this|the) (?:article|story|column|piece|interview|essay|post) (?:was|is|first|originally|also|appears?|appeared)\b.{0,30}\b(?:published|appeared|appears|produced|adapted|excerpted|translated|part of)\b.{0,160}$|^this appears in the\b",
    ),
    (
        Caption,
        6.0,
        r"(?x)\(\s*(?i:photo(?:graph|graphed|s)?|image|picture|credit|courtesy|illustration|screenshot|source|file|photo\ credit|video)s?\b[\s:/,-]*(?i:by|from|courtesy|credit|photo|of|:)?[^()]{2,140}(?:\([^()]*\))?[^()]*\)?[.\s]*$|\(\s*[^()]*(?:/|\(c\)|\bvia\ |\bPhoto\b){agency}?[^()]*\b{agency}\b[^()]*\)\.?\s*$|\(\s*{agency}\ ?/[^()]+\)\.?\s*$|\(\s*[^()]*(?:\bPhoto\b|file\ photo|Handout)[^()]*\)\.?\s*$|\(\s*[^()]{2,80}/\s?{agency}[^()]*\)\.?\s*$|\(\s*(?i:(?:photo\ )?via|courtesy)\ [^()]{2,60}\)\.?\s*$|\(\s*(?:\p{Lu}[\p{L}.'-]+\ ?){2,4}/\s?[A-Z][\w\ .&'-]{1,40}\)\.?\s*$",
    ),
    // `Mayor Ada Brill, second left, and Oskar Venn at the pier.`
    (
        Caption,
        5.0,
        r"^[^\x22']{0,200}\p{Lu}[\p{L}.'-]+,? \(?(?:(?:second|third|far|front) (?:left|right)|center|centre|left|right)(?:, |\)).{0,300}$",
    ),
    // `The pier at noon. Supplied`, `The pier at noon.Credit: Ada Brill`
    (
        Caption,
        6.0,
        r"(?:[.!?)]|\b\d{4})\s(?:AP(?: Photo)?|AFP|AAP|EPA|UPI|Reuters|REUTERS|Getty(?: Images)?|Supplied|Handout|HANDOUT)$|[.!?\x22'a-z)](?:Credit|Photograph|Photo|Image|Illustration)s?\s?(?::| by )\s?\p{Lu}[^.]{2,60}$",
    ),
    (
        Navigation,
        6.0,
        r"(?i)^to (?:view|play|watch) this (?:video|content)\b.{0,80}\b(?:javascript|browser)|\bplease (?:enable|turn on) javascript\b|^(?:try )?refresh(?:ing)? your browser\b|^article content$|^social sharing$|^see more sharing options$|^(?:show|view) (?:all )?(?:authors|author publications|comments)$|^leave a comment$|^(?:increase|decrease|descrease) article font size$|^continue with (?:google|facebook|apple|email)$|^view \d+ images?$|^comments? \(?\d+\)?$|^(?:speed read|summary|listen|dive deeper)(?: \(\d+ min\))?$|^powered by$",
    ),
    (
        Advertisement,
        6.0,
        r"(?i)^advertisement \d+$|^this advertisement has not loaded|^(?:unlimited|exclusive) (?:online |digital |articles? )?(?:access|by)\b|^this (?:content|article|story) is (?:reserved for|for|only available to|exclusive(?:ly)? (?:to|for)) (?:our )?(?:subscribers|members)|^you can save this article\b|^(?:sign in|log in) (?:or|to) (?:create|register|your|continue)\b|^(?:create an account|already have an account)\b|^subscribe (?:now|today)\b|\bby signing up,? you consent\b|^interested in more newsletters|\badd .{2,60} as a preferred source\b|^we independently (?:select|review)\b|\bmay earn (?:an? )?(?:affiliate )?commission\b|^(?:partner|sponsored|branded) content$|^stay up to date with\b.{0,80}$|^just \S+ for the (?:first|next) (?:month|week|year)\b",
    ),
    (
        Share,
        6.0,
        r"(?i)^(?:would you like to|please read our .{0,30}before) comment|^authors and topics you follow\b|^follow related authors\b|^(?:share this article via \w+){2,}",
    ),
    // `The pier. [Ada Brill/Harbour Press]`
    (
        Caption,
        5.0,
        r"^[^\x22'].{0,240}\[(?:File: )?(?:\p{Lu}[\p{L}.'-]+ ?){2,4}(?:/[^\[\]]{2,40})?\]$",
    ),
    (
        Credit,
        6.0,
        r"(?x)^[\W_]*(?i:photo(?:graph|graphs|graphy|grapher|s)?|image|picture|pic|video|illustration|graphic|credit|source|screenshot|photo\ illustration|cover\ image|featured\ image|header\ image|main\ image)s?(?:\ (?i:credit|by|courtesy|source|via))*(?:\ (?i:of|to))?\s*(?:[:/|]|\(c\))\s*[^.]{2,120}\.?$|^(?i:photo(?:graph)?s?|photography|video|illustration|image)\ (?i:by|courtesy\ of|from)\ [^.]{2,80}$|^[\W_]*(?:\p{Lu}[\w.'-]*\ ?){1,5}\s?/\s?{agency}(?:\s?[/,].{1,60}|\ via\ .{2,60})?\)?\.?$|^[\W_]*(?:\(c\)\s?)?{agency}(?:\s?[/,&|]\s?{agency})*[\W_]*$|^(?i:photos?|image|credit|photo\ credit|file\ photo)[\W_]*$",
    ),
    (
        Caption,
        6.0,
        r#"(?x)(?:[.!?"']|\b\d{4}|\p{Ll})\s+(?:\p{Lu}[\p{L}.'-]*\ ){1,4}?\p{Lu}[\p{L}.'-]*\s?/\s?{agency}(?:\s?/.{2,40}|\ via\ .{2,40})?\s*$|\s(?:AP\ Photo|REUTERS|AFP|EPA|Getty)/\S.{1,60}$|\s\|\s?(?:\p{Lu}[\w.'-]*(?:\ ?/\ ?|,\ |\ )?){1,8}$|\s(?:\(c\)|(?i:photo|photograph|photographer|image|picture|credit|photo\ credit|source|file\ photo)\s?:)\s?[^.]{2,60}$"#,
    ),
    (
        Caption,
        6.0,
        r"^(?:FILES?|File)(?:\s(?i:photo|picture|image|pic|footage|-))?\s*(?:[-:.]|\()\s*\S|^(?i:file (?:photo|image|picture)|photo file)\b|^(?i:pictured|picture shows|photo shows|caption)\s*[:,]?\s",
    ),
    (
        Caption,
        5.0,
        r"^(?i:in this|this) [^.]{0,60}\b(?:photo|photograph|image|picture|frame grab|video grab|screengrab|handout|satellite image)\b|^(?i:a (?:still|screengrab|screenshot|video grab|frame) (?:from|of))\b|^CLOSE [A-Z]",
    ),
    (
        Timestamp,
        6.0,
        r"(?i)^this (?:article|story|post) is (?:more than|over) \S+ (?:years?|months?|weeks?|days?) old\W*$",
    ),
    // `Ferries:Orla to stop all ships`: a link whose label lost its blank.
    (
        Related,
        4.0,
        r#"^\p{Lu}[\p{L}\d' ]{1,30}:[\p{Lu}"'][^:]{14,180}[^.!":]$"#,
    ),
    (
        Advertisement,
        6.0,
        r"(?i)\bsign up\b.{0,80}\bnewsletters?\b|\bnewsletters?\b.{0,60}\b(?:sign up|subscribe)\b|\bsupport (?:our|independent|progressive|quality|\S+'s)(?: \w+)? journalism\b|\bstart your free trial\b|^(?:like|enjoy(?:ed|ing)?) (?:what you're reading|this (?:article|story))\b|^thank you for (?:signing|subscribing)|^(?:watch|get|read|find) (?:the )?(?:latest|more)\b.{0,100}\bat \S+\.\w{2,4}\b.{0,60}$|^[\W_]*visit .{2,60}\bfor more\b",
    ),
    (
        Other,
        6.0,
        r"(?i)\brush transcript\b|may not be in its final form|transcripts? (?:is|are) created|^[\W_]*(?:send|got|have) (?:us )?(?:an? )?(?:news )?tips?\b.{0,100}(?:\?|\bto\b|@)|^[\W_]*this (?:article|story|post|column|report|piece) is (?:based|tagged|part of|adapted|excerpted|republished|produced)\b|\badd .{2,40} as an interest\b",
    ),
    (
        Share,
        6.0,
        r"^(?:Facebook|Twitter|Pinterest)(?: (?:Facebook|Twitter|Pinterest|Email)){1,3}$",
    ),
    (
        Caption,
        6.0,
        r"^(?:Facebook|Twitter|Pinterest)(?: (?:Facebook|Twitter|Pinterest|Email)){1,3} \S+ \S",
    ),
    // By itself: beside patterns bound to the start of the line it is slow.
    (Related, 5.0, r"(?i)\bread more[ .:>!]{0,4}$"),
    (
        Contribution,
        6.0,
        r"\b(?:Associated Press|AP|Reuters|AFP|CNN|Press|News|Post|Times)(?:'s?)? (?:staff )?(?:writers?|reporters?|journalists?|correspondents?|researchers?) \p{Lu}.{2,500}\bcontributed\.?$",
    ),
    // A bracketed phrase that is no sentence of its own.
    (Caption, 4.0, r"^\([^().?!]{4,160}\)$"),
    (
        Related,
        3.0,
        r"(?i)^(?:watch|video|photos?|read|listen|live|podcast|gallery|explainer|opinion|analysis|fact check|exclusive|breaking)\s*[:|-]+\s*\S.{0,200}[^.]$",
    ),
    (
        Other,
        3.0,
        r"(?i)^(?:analysis/opinion|commentary|opinion|analysis|exclusive|updated?|breaking|live|editorial|column|special report|fact check|world|politics|us|national)\W*$",
    ),
    (Other, 6.0, r"(?i)^\W*(?:-?30-?|ENDS?|###|eom)\W*$"),
];
