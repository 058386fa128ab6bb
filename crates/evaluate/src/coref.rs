//! Coreference: which mentions mean the same.

pub mod head;
pub mod metric;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use copydesk_document::NewDocument;

use self::head::Kind;
use self::metric::{Chain, Parts, mention};
use crate::figure::{Matches, bootstrap, share};
use crate::gold::{self, BadRecord, Field, Gold, GoldError, Origin, Record, Selection};
use crate::report::{EXAMPLES, Report, Row, Section, Worst, worst_of};
use crate::spans::Span;
use crate::{Figure, Predicted, Task};

/// Which records and chains count.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Records with one of these values of `genre` are not read.
    pub leave_out_genres: Vec<String>,
    /// Also chains of one mention, on both sides.
    pub singletons: bool,
}

/// A gold document.
#[derive(Debug, Clone)]
struct Document {
    origin: Origin,
    genre: Option<String>,
    tokens: Vec<String>,
    sentence_starts: BTreeSet<u32>,
    chains: Vec<Vec<Span>>,
}

/// What a document's chains come to, in one way of comparing mentions.
#[derive(Debug, Clone, Copy, Default)]
struct Counts {
    muc: Parts,
    b_cubed: Parts,
    ceaf_e: Parts,
    mentions: Matches,
    /// Gold, found and linked, by kind of mention.
    by_kind: [[f64; 3]; 3],
}

/// Everything that is counted of one document.
#[derive(Debug, Clone, Default)]
struct Scored {
    exact: Counts,
    heads: Counts,
    baseline: Counts,
    baseline_heads: Counts,
    examples: Vec<String>,
}

/// `copydesk eval coref`.
#[derive(Debug)]
pub struct Coref {
    documents: Vec<Document>,
    options: Options,
    scored: Vec<Option<Scored>>,
}

impl Coref {
    /// Reads records with `tokens`, `sentence_starts` and `clusters` of token spans.
    ///
    /// # Errors
    /// See [`gold::json_lines`].
    pub fn read(
        paths: &[PathBuf],
        selection: &Selection,
        options: Options,
    ) -> Result<(Self, Vec<BadRecord>), GoldError> {
        let is_out = |record: &Record| {
            let genre = record.field("genre");
            let mut out = options.leave_out_genres.iter();
            out.any(|one| genre.value().as_str() == Some(one))
        };
        let Gold { records, bad } =
            gold::json_lines_if(paths, selection, |record| !is_out(record), document)?;
        let task = Self {
            scored: vec![None; records.len()],
            documents: records,
            options,
        };
        Ok((task, bad))
    }

    fn section(&self, name: &str, genre: Option<&str>, of: impl Fn(&Scored) -> &Counts) -> Section {
        let counts: Vec<&Counts> = self
            .documents
            .iter()
            .zip(&self.scored)
            .filter(|(document, _)| genre.is_none() || document.genre.as_deref() == genre)
            .filter_map(|(_, scored)| scored.as_ref().map(&of))
            .collect();
        let metric = |name: &str, of: fn(&Counts) -> Parts| {
            let rows: Vec<[f64; 4]> = counts
                .iter()
                .map(|counts| {
                    let parts = of(counts);
                    let ((a, b), (c, d)) = (parts.precision, parts.recall);
                    [a, b, c, d]
                })
                .collect();
            Row::new(name)
                .figure("precision", bootstrap(&rows, |t| share(t[0], t[1])))
                .figure("recall", bootstrap(&rows, |t| share(t[2], t[3])))
                .figure("f1", bootstrap(&rows, |t| mean_of(t[0], t[1], t[2], t[3])))
        };
        let detected: Vec<Matches> = counts.iter().map(|counts| counts.mentions).collect();
        let mut rows = vec![
            Row::new("CoNLL").figure("f1", conll(&counts)),
            metric("MUC", |counts| counts.muc),
            metric("B³", |counts| counts.b_cubed),
            metric("CEAF-e", |counts| counts.ceaf_e),
            Row::of_matches("mentions", &detected),
        ];
        for (i, kind) in Kind::ALL.into_iter().enumerate() {
            let of: Vec<[f64; 3]> = counts.iter().map(|counts| counts.by_kind[i]).collect();
            rows.push(
                Row::new(kind.name())
                    .count("gold", of.iter().map(|row| row[0]).sum())
                    .figure("found", bootstrap(&of, |t| share(t[1], t[0])))
                    .figure("linked", bootstrap(&of, |t| share(t[2], t[0]))),
            );
        }
        Section {
            name: name.to_owned(),
            documents: counts.len(),
            rows,
        }
    }
}

impl Task for Coref {
    fn layers(&self) -> &'static [&'static str] {
        &["entities", "mentions"]
    }

    fn takes_raw_articles(&self) -> bool {
        false
    }

    fn documents(&self) -> Vec<NewDocument> {
        self.documents
            .iter()
            .map(|document| NewDocument::new(&document.origin.place, joined(&document.tokens)))
            .collect()
    }

    fn score(&mut self, index: usize, predicted: Option<&Predicted<'_>>) {
        let gold = &self.documents[index];
        let chains = predicted.map_or_else(Vec::new, |p| chains_of(p, &gold.tokens));
        self.scored[index] = Some(score(gold, &chains, self.options.singletons));
    }

    fn report(&self, worst: usize) -> Report {
        let mut sections = vec![
            self.section("exact spans", None, |scored| &scored.exact),
            self.section("heads", None, |scored| &scored.heads),
            self.section("baseline: head match, exact spans", None, |s| &s.baseline),
            self.section("baseline: head match, heads", None, |s| &s.baseline_heads),
        ];
        let scored = self.documents.iter().zip(&self.scored);
        let genres: BTreeSet<&str> = scored
            .clone()
            .filter(|(_, scored)| scored.is_some())
            .filter_map(|(document, _)| document.genre.as_deref())
            .collect();
        if genres.len() > 1 {
            sections.extend(genres.into_iter().map(|genre| {
                self.section(&format!("genre={genre}, heads"), Some(genre), |s| &s.heads)
            }));
        }
        let documents = scored.filter_map(|(document, scored)| {
            let scored = scored.as_ref()?;
            let figure = conll(&[&scored.heads]).value?;
            Some(Worst {
                id: document.origin.id.clone(),
                place: document.origin.place.clone(),
                mistakes: 100.0 - figure,
                examples: scored.examples.clone(),
            })
        });
        Report {
            sections,
            worst: worst_of(documents.collect(), worst),
        }
    }
}

/// The mean of the F1 of the three metrics.
fn conll(counts: &[&Counts]) -> Figure {
    let rows: Vec<[f64; 12]> = counts
        .iter()
        .map(|counts| {
            let mut row = [0.0; 12];
            let metrics = [counts.muc, counts.b_cubed, counts.ceaf_e];
            for (cells, parts) in row.chunks_exact_mut(4).zip(metrics) {
                let ((a, b), (c, d)) = (parts.precision, parts.recall);
                cells.copy_from_slice(&[a, b, c, d]);
            }
            row
        })
        .collect();
    bootstrap(&rows, |t| {
        let each = t
            .chunks_exact(4)
            .map(|t| mean_of(t[0], t[1], t[2], t[3]))
            .collect::<Option<Vec<_>>>()?;
        Some(each.iter().sum::<f64>() / 3.0)
    })
}

/// The harmonic mean of precision `a`/`b` and recall `c`/`d`; 0 where one of them is undefined or
/// 0, and `None` where there is neither gold nor a prediction.
fn mean_of(a: f64, b: f64, c: f64, d: f64) -> Option<f64> {
    if b == 0.0 && d == 0.0 {
        return None;
    }
    let (p, r) = (share(a, b).unwrap_or(0.0), share(c, d).unwrap_or(0.0));
    Some(if p + r > 0.0 {
        2.0 * p * r / (p + r)
    } else {
        0.0
    })
}

fn score(gold: &Document, predicted: &[Vec<Span>], singletons: bool) -> Scored {
    let tokens = &gold.tokens;
    let whole = |chains: &[Vec<Span>]| -> Vec<Chain> {
        let chains = chains.iter();
        chains.map(|c| c.iter().map(mention).collect()).collect()
    };
    let by_heads = |chains: &[Vec<Span>]| -> Vec<Chain> {
        let head = |span: &Span| {
            let at = head::head(tokens, span);
            (at, at + 1)
        };
        let chains = chains.iter();
        chains.map(|c| c.iter().map(head).collect()).collect()
    };
    let baseline = head_match(tokens, predicted);
    let counts = |gold_chains: Vec<Chain>, chains: Vec<Chain>| {
        let gold_chains = metric::tidied(gold_chains, singletons);
        let chains = metric::tidied(chains, singletons);
        counts(gold, &gold_chains, &chains)
    };
    Scored {
        exact: counts(whole(&gold.chains), whole(predicted)),
        heads: counts(by_heads(&gold.chains), by_heads(predicted)),
        baseline: counts(whole(&gold.chains), whole(&baseline)),
        baseline_heads: counts(by_heads(&gold.chains), by_heads(&baseline)),
        examples: examples(gold, &by_heads(predicted)),
    }
}

fn counts(document: &Document, gold: &[Chain], predicted: &[Chain]) -> Counts {
    let place = metric::places(predicted);
    let mut counts = Counts {
        muc: metric::muc(gold, predicted),
        b_cubed: metric::b_cubed(gold, predicted),
        ceaf_e: metric::ceaf_e(gold, predicted),
        ..Counts::default()
    };
    let total = |chains: &[Chain]| chains.iter().map(Chain::len).sum::<usize>() as f64;
    counts.mentions = [0.0, total(predicted), total(gold)];
    for chain in gold {
        for &(start, end) in chain {
            let at = head::head(&document.tokens, &(start..end));
            let is_first = document.sentence_starts.contains(&at);
            let row = &mut counts.by_kind[head::kind(&document.tokens, at, is_first) as usize];
            row[0] += 1.0;
            let Some(&in_chain) = place.get(&(start, end)) else {
                continue;
            };
            counts.mentions[0] += 1.0;
            row[1] += 1.0;
            let together = |other: &&(u32, u32)| **other != (start, end);
            if chain
                .iter()
                .filter(together)
                .any(|other| place.get(other) == Some(&in_chain))
            {
                row[2] += 1.0;
            }
        }
    }
    counts
}

/// The baseline: the same mentions, joined where their heads are the same word; pronouns alone.
fn head_match(tokens: &[String], predicted: &[Vec<Span>]) -> Vec<Vec<Span>> {
    let mut chains: BTreeMap<String, Vec<Span>> = BTreeMap::new();
    let mut alone = Vec::new();
    for span in predicted.iter().flatten() {
        let at = head::head(tokens, span);
        if head::kind(tokens, at, false) == Kind::Pronoun {
            alone.push(vec![span.clone()]);
        } else {
            let word = tokens[at as usize].to_lowercase();
            chains.entry(word).or_default().push(span.clone());
        }
    }
    chains.into_values().chain(alone).collect()
}

/// The gold chains of which most is missing, in words.
fn examples(gold: &Document, predicted: &[Chain]) -> Vec<String> {
    let place = metric::places(predicted);
    let mut chains: Vec<(usize, String)> = gold
        .chains
        .iter()
        .filter(|chain| chain.len() > 1)
        .map(|chain| {
            let mut together: BTreeMap<usize, usize> = BTreeMap::new();
            for span in chain {
                let at = head::head(&gold.tokens, span);
                if let Some(in_chain) = place.get(&(at, at + 1)) {
                    *together.entry(*in_chain).or_default() += 1;
                }
            }
            let most = together.values().copied().max().unwrap_or(0);
            let words: Vec<String> = chain
                .iter()
                .take(3)
                .map(|span| {
                    let words = &gold.tokens[span.start as usize..span.end as usize];
                    let cut = if words.len() > 6 { " …" } else { "" };
                    format!("“{}{cut}”", words[..words.len().min(6)].join(" "))
                })
                .collect();
            let line = format!("{most} of {} together: {}", chain.len(), words.join(", "));
            (chain.len() - most, line)
        })
        .filter(|(missing, _)| *missing > 0)
        .collect();
    chains.sort_by_key(|(missing, _)| std::cmp::Reverse(*missing));
    chains.truncate(EXAMPLES);
    chains.into_iter().map(|(_, line)| line).collect()
}

/// The chains of the pipeline: rows of `mentions` that lead to the same entity, and names in
/// `entities` that no row of `mentions` has, projected to the tokens that they touch.
fn chains_of(predicted: &Predicted<'_>, tokens: &[String]) -> Vec<Vec<Span>> {
    let mut at = 0;
    let places: Vec<Span> = tokens
        .iter()
        .map(|token| {
            let start = at;
            let end = start + token.chars().count() as u32;
            at = end + 1;
            start..end
        })
        .collect();
    let on_tokens = |range: &Span| {
        let first = places.partition_point(|place| place.end <= range.start) as u32;
        let end = places.partition_point(|place| place.start < range.end) as u32;
        (first < end).then_some(first..end)
    };
    let mut chains: BTreeMap<u32, Vec<Span>> = BTreeMap::new();
    let mut alone = Vec::new();
    let mut seen = BTreeSet::new();
    for span in predicted.spans("mentions") {
        let Some(place) = on_tokens(&span.range) else {
            continue;
        };
        if !seen.insert(mention(&place)) {
            continue;
        }
        match predicted.link("mentions", span.row, "entity") {
            Some(entity) => chains.entry(entity).or_default().push(place),
            None => alone.push(vec![place]),
        }
    }
    for span in predicted.spans("entities") {
        let place = on_tokens(&span.range).filter(|place| seen.insert(mention(place)));
        let entity = predicted.int("entities", span.row, "entity");
        let entity = entity.and_then(|row| u32::try_from(row).ok());
        if let Some(place) = place {
            let chain = chains.entry(entity.unwrap_or(span.row));
            chain.or_default().push(place);
        }
    }
    chains.into_values().chain(alone).collect()
}

fn joined(tokens: &[String]) -> String {
    tokens.join(" ")
}

fn document(record: &Record) -> Result<Document, BadRecord> {
    let tokens: Vec<String> = record
        .field("tokens")
        .items()?
        .iter()
        .map(|token| match token.text()? {
            "" => Err(token.bad("an empty token", "leave it out, and count without it")),
            text => Ok(text.to_owned()),
        })
        .collect::<Result<_, _>>()?;
    let sentence_starts = match record.field("sentence_starts").present() {
        Some(starts) => starts
            .items()?
            .iter()
            .map(Field::number)
            .collect::<Result<_, _>>()?,
        None => BTreeSet::from([0]),
    };
    let mut seen = BTreeSet::new();
    let mut chains = Vec::new();
    for cluster in record.field("clusters").items()? {
        let mut chain = Vec::new();
        for item in cluster.items()? {
            let span = item.span(tokens.len(), "tokens")?;
            if !seen.insert(mention(&span)) {
                let problem = format!("[{}, {}] is there twice", span.start, span.end);
                return Err(item.bad(problem, "a mention stands in one cluster, once"));
            }
            chain.push(span);
        }
        chains.push(chain);
    }
    Ok(Document {
        origin: record.origin(),
        genre: record.field("genre").value().as_str().map(str::to_owned),
        tokens,
        sentence_starts,
        chains,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::testing::{Layers, with_layers};

    fn read(record: serde_json::Value) -> Result<Document, BadRecord> {
        let json = record.to_string();
        document(&Record::parse(json.as_bytes(), "gold.jsonl:1".to_owned()).unwrap())
    }

    fn brandt() -> Document {
        read(json!({
            "id": "ferry", "genre": "news",
            "tokens": ["Ilse", "Brandt", "of", "Skarn", "sailed", ".", "She", "waved", ".", "Brandt", "left", "Skarn", "."],
            "sentence_starts": [0, 6, 9],
            "clusters": [[[0, 4], [6, 7], [9, 10]], [[3, 4], [11, 12]]],
        }))
        .unwrap()
    }

    #[test]
    fn chains_of_the_pipeline_are_projected_to_tokens() {
        let gold = brandt();
        // “Ilse Brandt” and “She” lead to entity 0; the second “Brandt” is a name that resolve
        // joined, without a row of mentions; both “Skarn” are entity 1.
        let mut layers = Layers::default();
        layers.entity(0..11, "PER", 0);
        layers.entity(15..20, "LOC", 1);
        layers.entity(42..48, "PER", 0);
        layers.entity(54..59, "LOC", 1);
        layers.mention(0..11, "name", Some(0));
        layers.mention(15..20, "name", Some(1));
        layers.mention(30..33, "pronoun", Some(0));
        let batch = with_layers(&joined(&gold.tokens), &layers);
        let chains = chains_of(&Predicted::new(&batch, 0), &gold.tokens);
        assert_eq!(chains, [vec![0..2, 6..7, 9..10], vec![3..4, 11..12]]);
    }

    #[test]
    fn heads_forgive_what_follows_the_noun() {
        let gold = brandt();
        let predicted = [vec![0..2, 6..7, 9..10], vec![3..4, 11..12]];
        let scored = score(&gold, &predicted, false);
        assert_eq!(conll(&[&scored.heads]).value, Some(100.0));
        // By exact spans the first mention is wrong, and its name not found: 4 of 5.
        assert_eq!(scored.exact.mentions, [4.0, 5.0, 5.0]);
        let [names, nominals, pronouns] = scored.exact.by_kind;
        assert_eq!(
            (names, nominals, pronouns),
            ([4.0, 3.0, 3.0], [0.0; 3], [1.0, 1.0, 1.0])
        );
    }

    #[test]
    fn found_mentions_are_linked_only_in_company_of_their_chain() {
        let gold = brandt();
        let scored = score(&gold, &[vec![0..4, 11..12], vec![6..7, 3..4]], false);
        let [names, _, pronouns] = scored.exact.by_kind;
        assert_eq!((names, pronouns), ([4.0, 3.0, 0.0], [1.0, 1.0, 0.0]));
        assert_eq!(scored.exact.muc.recall, (0.0, 3.0));
    }

    #[test]
    fn the_baseline_joins_equal_heads_and_no_pronouns() {
        let gold = brandt();
        let found = [
            vec![0..4],
            vec![6..7],
            vec![9..10],
            vec![3..4],
            vec![11..12],
        ];
        let scored = score(&gold, &found, false);
        // {Brandt, Brandt} and {Skarn, Skarn}: 2 of 2 links right, 2 of 3 found.
        assert_eq!(scored.baseline.muc.precision, (2.0, 2.0));
        assert_eq!(scored.baseline.muc.recall, (2.0, 3.0));
        assert_eq!(conll(&[&scored.exact]).value, Some(0.0));
    }

    #[test]
    fn a_mention_in_two_clusters_is_refused() {
        let told = read(json!({"tokens": ["A", "B"], "clusters": [[[0, 1], [1, 2]], [[1, 2]]]}));
        assert_eq!(
            told.unwrap_err().to_string(),
            "gold.jsonl:1: field `clusters[1][0]`: [1, 2] is there twice; a mention stands in one cluster, once"
        );
    }
}
