//! The `resolve` stage: who is who.
//!
//! Every mention of a document (name, part of a name, acronym, nominal,
//! pronoun) is led to the person, body or place that it stands for, under one
//! name in the document's own spelling. `chain` joins names, `refer` reads
//! the text from left to right and leads everything else to them. No model:
//! structure, agreement and salience.

mod chain;
mod refer;

use copydesk_language::quotation::{self, Quotations};
use copydesk_language::{sentence, word};
use copydesk_plugin::{Diagnostics, Doc, Host, Out, Stage, StageError, Worker, stage};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::chain::{Chains, Entity, Type};
use crate::refer::{Kind, Mention, Reading};

/// Options of the stage.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
struct Config {
    /// Also resolve pronouns (he, it, they).
    pronouns: bool,
    /// Also resolve nominals (the ministry, Norway's top diplomat).
    nominals: bool,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            pronouns: true,
            nominals: true,
        }
    }
}

struct Resolve {
    pronouns: bool,
    nominals: bool,
}

#[stage(
    id = "copydesk/resolve",
    summary = "Which names, nominals and pronouns mean the same person, body or place",
    requires = ["layer:entities", "layer:sentences?", "layer:blocks?"],
    provides = ["attr:entities/name", "attr:entities/entity", "layer:mentions"],
)]
impl Stage for Resolve {
    type Config = Config;
    type Worker = ResolveWorker;

    fn create(config: Config, _: &Host<'_>) -> Result<Self, Diagnostics> {
        Ok(Self {
            pronouns: config.pronouns,
            nominals: config.nominals,
        })
    }

    fn worker(&self, _: u32, _: &Host<'_>) -> Result<ResolveWorker, StageError> {
        Ok(ResolveWorker {
            pronouns: self.pronouns,
            nominals: self.nominals,
        })
    }
}

copydesk_plugin::export!(Resolve);

struct ResolveWorker {
    pronouns: bool,
    nominals: bool,
}

impl Worker for ResolveWorker {
    fn document(&mut self, doc: Doc<'_>, out: &mut Out<'_>) -> Result<(), StageError> {
        let mentions_layer = out.layer("mentions")?;
        let entities_layer = out.layer("entities")?;
        let Some(given) = doc.layer("entities") else {
            return Ok(());
        };
        let text = doc.text();
        let mut entities: Vec<Entity> = given
            .iter()
            .map(|span| Entity {
                range: span.range(),
                kind: Type::of(span.label().unwrap_or("MISC")),
            })
            .collect();
        chain::retype(text, &mut entities);
        let words = word::words(text);
        let mut chains = Chains::of_names(text, &words, &entities);
        for row in 0..entities.len() {
            let chain = &chains.all[chains.of[row]];
            out.set(&doc, entities_layer, row as u32, "name", &chain.name)?;
            if let Some(stands) = chain.representative(text, &entities) {
                out.set(&doc, entities_layer, row as u32, "entity", stands as i64)?;
            }
        }
        // Pronouns and nominals are English; names join in any language.
        if doc.language().is_some_and(|tag| !tag.starts_with("en")) {
            return Ok(());
        }
        let quotations = quotations(&doc);
        let sentences = match doc.layer("sentences") {
            Some(given) => given.iter().map(|s| s.range()).collect(),
            None => sentence::sentences(text),
        };
        let reading = Reading {
            text,
            words: &words,
            entities: &entities,
            sentences: &sentences,
            quotations: &quotations,
        };
        let found = refer::mentions(&reading, &mut chains);
        for mention in &found {
            let wanted = match mention.kind {
                Kind::Name => true,
                Kind::Nominal => self.nominals,
                Kind::Pronoun => self.pronouns,
            };
            if wanted {
                write(
                    &doc,
                    out,
                    mention,
                    &chains,
                    &entities,
                    mentions_layer,
                    entities_layer,
                )?;
            }
        }
        Ok(())
    }
}

fn write(
    doc: &Doc<'_>,
    out: &mut Out<'_>,
    mention: &Mention,
    chains: &Chains,
    entities: &[Entity],
    mentions_layer: copydesk_plugin::LayerId,
    entities_layer: copydesk_plugin::LayerId,
) -> Result<(), StageError> {
    let label = out.label(
        mentions_layer,
        match mention.kind {
            Kind::Name => "name",
            Kind::Nominal => "nominal",
            Kind::Pronoun => "pronoun",
        },
    )?;
    let row = out.span(
        doc,
        mentions_layer,
        mention.range.clone(),
        Some(label),
        None,
    )?;
    let Some(chain) = mention.chain.map(|c| &chains.all[c]) else {
        return out.set(
            doc,
            mentions_layer,
            row,
            "name",
            &doc.text()[mention.range.clone()],
        );
    };
    out.set(doc, mentions_layer, row, "name", &chain.name)?;
    out.set(doc, mentions_layer, row, "type", chain.kind.label())?;
    if let Some(stands) = chain.representative(doc.text(), entities) {
        let link = out.link(entities_layer, stands as u32);
        out.set(doc, mentions_layer, row, "entity", link)?;
    }
    Ok(())
}

/// The document's quotations, by its blocks where an earlier stage found them.
fn quotations(doc: &Doc<'_>) -> Quotations {
    match doc.layer("blocks").filter(|blocks| !blocks.is_empty()) {
        Some(blocks) => {
            let ranges: Vec<_> = blocks.iter().map(|b| b.range()).collect();
            quotation::pair_in(doc.text(), &ranges)
        }
        None => quotation::pair(doc.text()),
    }
}

#[cfg(test)]
mod tests;
