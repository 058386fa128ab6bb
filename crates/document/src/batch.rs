use std::ops::Range;
use std::sync::{Arc, OnceLock};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::alignment::Alignment;
use crate::column::{Names, StrColumn};
use crate::given::NewLayer;
use crate::layer::Layer;
use crate::{Link, REMOVED};

/// A document as a reader makes it, before any stage.
#[derive(Debug, Clone, PartialEq)]
pub struct NewDocument {
    /// Given by the input, else made from the path.
    pub id: String,
    /// Where it was read from, as the user wrote it.
    pub path: Option<String>,
    /// The input as decoded; for HTML the rendered text. Shorter than 4 GiB.
    pub raw: String,
    /// `text/plain`, `text/html` …
    pub media_type: String,
    /// What the input says about it: title, authors, published …
    pub meta: Map<String, Value>,
    /// The input's other columns, carried to the output unchanged.
    pub extra: Map<String, Value>,
    /// What the reader had to guess.
    pub warnings: Vec<Warning>,
    /// What the reader knows about pieces of `raw`.
    pub layers: Vec<NewLayer>,
    /// Its number in the input, from 0: orders the output.
    pub seq: u64,
}

impl NewDocument {
    /// A plain text without path, metadata and warnings, number 0.
    pub fn new(id: impl Into<String>, raw: impl Into<String>) -> Self {
        Self {
            id: id.into(),
            path: None,
            raw: raw.into(),
            media_type: "text/plain".to_owned(),
            meta: Map::new(),
            extra: Map::new(),
            warnings: Vec::new(),
            layers: Vec::new(),
            seq: 0,
        }
    }
}

impl Default for NewDocument {
    fn default() -> Self {
        Self::new("", "")
    }
}

/// Something odd in a document that did not stop it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Warning {
    /// The stage that saw it; `input` for readers.
    pub stage: String,
    /// Short and stable, such as `unbalanced-marks`.
    pub code: String,
    /// In words.
    pub message: String,
    /// Where, in bytes of `text`.
    pub span: Option<Range<u32>>,
}

/// What identifies a document outside of its batch.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct DocKey {
    /// As in [`NewDocument::id`].
    pub id: String,
    /// As in [`NewDocument::path`].
    pub path: Option<String>,
    /// As in [`NewDocument::seq`].
    pub seq: u64,
}

/// Why a stage gave up on a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DocFailure {
    /// Whether trying again may help.
    pub retryable: bool,
    /// Short and stable.
    pub code: String,
    /// In words.
    pub message: String,
}

/// What became of the documents that [`Batch::apply`] took out.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Outcome {
    /// Dropped on purpose, with the stage's reason.
    pub dropped: Vec<(DocKey, String)>,
    /// Failed: the document as it came, and why.
    pub failed: Vec<(NewDocument, DocFailure)>,
}

/// Documents that travel together, as columns.
#[derive(Debug, Clone, Default)]
pub struct Batch {
    pub(crate) ids: StrColumn,
    // Shared with `Changes`, which checks offsets while the batch is lent out.
    pub(crate) raws: Arc<StrColumn>,
    /// `None` until a first edit: then every text equals its raw.
    pub(crate) texts: Option<Arc<StrColumn>>,
    pub(crate) media_types: StrColumn,
    pub(crate) docs: Vec<Document>,
    pub(crate) layers: Vec<Layer>,
    /// Names of the layers that links point to. Only ever grows, so that links
    /// stay as they are when layers are removed or documents leave.
    pub(crate) link_names: Names,
    pub(crate) meta_json: OnceLock<StrColumn>,
    pub(crate) languages: OnceLock<StrColumn>,
}

/// What a document has besides its columns.
#[derive(Debug, Clone)]
pub(crate) struct Document {
    pub(crate) path: Option<String>,
    pub(crate) seq: u64,
    pub(crate) meta: Map<String, Value>,
    /// The metadata as it came, kept from the first change on.
    pub(crate) meta_came: Option<Map<String, Value>>,
    pub(crate) extra: Map<String, Value>,
    pub(crate) warnings: Vec<Warning>,
    /// How many of the warnings came with it.
    pub(crate) warnings_came: usize,
    pub(crate) alignment: Alignment,
}

impl Batch {
    /// A batch without documents.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a document at the end, with no spans in the layers that there are but those it brings.
    ///
    /// # Panics
    /// If its text is 4 GiB or longer, or a span of its layers does not lie in it.
    pub fn push(&mut self, document: NewDocument) {
        let alignment = Alignment::identity(document.raw.len());
        let here = self.len();
        let mut given: Vec<Layer> = document
            .layers
            .into_iter()
            .map(|layer| layer.into_layer(&document.raw))
            .collect();
        self.ids.push(&document.id);
        Arc::make_mut(&mut self.raws).push(&document.raw);
        if let Some(texts) = &mut self.texts {
            Arc::make_mut(texts).push(&document.raw);
        }
        self.media_types.push(&document.media_type);
        self.docs.push(Document {
            path: document.path,
            seq: document.seq,
            meta: document.meta,
            meta_came: None,
            extra: document.extra,
            warnings_came: document.warnings.len(),
            warnings: document.warnings,
            alignment,
        });
        for layer in &given {
            if self.layer(&layer.name).is_none() {
                let empty = Layer::empty(&layer.name, here, layer.transient, layer.raw);
                self.layers.push(empty);
            }
        }
        for layer in &mut self.layers {
            match given.iter().position(|one| one.name == layer.name) {
                Some(at) => {
                    let left_out = layer.append(given.swap_remove(at), None);
                    assert!(
                        left_out.is_empty(),
                        "attributes of layer {} have other types than before: {left_out:?}",
                        layer.name
                    );
                }
                None => layer.pad(1),
            }
        }
        assert!(given.is_empty(), "a document brings a layer twice");
        self.forget_json();
    }

    /// Number of documents.
    #[must_use]
    pub fn len(&self) -> usize {
        self.docs.len()
    }

    /// Whether there are no documents.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.docs.is_empty()
    }

    /// Bytes of raw, text and vectors: what the channels between stages bound.
    #[must_use]
    pub fn text_bytes(&self) -> usize {
        self.raws.data().len()
            + self.texts.as_ref().map_or(0, |texts| texts.data().len())
            + self.layers.iter().map(Layer::vector_bytes).sum::<usize>()
    }

    /// Id of document `i`.
    ///
    /// # Panics
    /// If there is no document `i`, as do all methods that take one.
    #[must_use]
    pub fn id(&self, i: usize) -> &str {
        self.ids.get(i)
    }

    /// The input as decoded.
    #[must_use]
    pub fn raw(&self, i: usize) -> &str {
        self.raws.get(i)
    }

    /// The text after all edits so far.
    #[must_use]
    pub fn text(&self, i: usize) -> &str {
        self.texts().get(i)
    }

    /// Where it was read from.
    #[must_use]
    pub fn path(&self, i: usize) -> Option<&str> {
        self.docs[i].path.as_deref()
    }

    /// Its media type.
    #[must_use]
    pub fn media_type(&self, i: usize) -> &str {
        self.media_types.get(i)
    }

    /// Its number in the input.
    #[must_use]
    pub fn seq(&self, i: usize) -> u64 {
        self.docs[i].seq
    }

    /// What identifies it outside of this batch.
    #[must_use]
    pub fn key(&self, i: usize) -> DocKey {
        DocKey {
            id: self.id(i).to_owned(),
            path: self.docs[i].path.clone(),
            seq: self.docs[i].seq,
        }
    }

    /// Its metadata.
    #[must_use]
    pub fn meta(&self, i: usize) -> &Map<String, Value> {
        &self.docs[i].meta
    }

    /// Its metadata, to change. [`as_it_came`](Self::as_it_came) still knows
    /// what was there before the first change.
    pub fn meta_mut(&mut self, i: usize) -> &mut Map<String, Value> {
        self.forget_json();
        let doc = &mut self.docs[i];
        if doc.meta_came.is_none() {
            doc.meta_came = Some(doc.meta.clone());
        }
        &mut doc.meta
    }

    /// The input's other columns.
    #[must_use]
    pub fn extra(&self, i: usize) -> &Map<String, Value> {
        &self.docs[i].extra
    }

    /// Warnings in the order in which they were given.
    #[must_use]
    pub fn warnings(&self, i: usize) -> &[Warning] {
        &self.docs[i].warnings
    }

    /// Adds a warning.
    pub fn add_warning(&mut self, i: usize, warning: Warning) {
        self.docs[i].warnings.push(warning);
    }

    /// Between `raw` and `text` of document `i`.
    #[must_use]
    pub fn alignment(&self, i: usize) -> &Alignment {
        &self.docs[i].alignment
    }

    /// The document as the reader made it, without what stages did to it; the layers that it
    /// brought are left out.
    #[must_use]
    pub fn as_it_came(&self, i: usize) -> NewDocument {
        let doc = &self.docs[i];
        NewDocument {
            id: self.id(i).to_owned(),
            path: doc.path.clone(),
            raw: self.raw(i).to_owned(),
            media_type: self.media_type(i).to_owned(),
            meta: doc.meta_came.as_ref().unwrap_or(&doc.meta).clone(),
            extra: doc.extra.clone(),
            warnings: doc.warnings[..doc.warnings_came].to_vec(),
            layers: Vec::new(),
            seq: doc.seq,
        }
    }

    /// Ids, one a document.
    #[must_use]
    pub fn ids(&self) -> &StrColumn {
        &self.ids
    }

    /// Raw texts, one a document.
    #[must_use]
    pub fn raws(&self) -> &StrColumn {
        &self.raws
    }

    /// Texts, one a document; the raw column itself while none was edited.
    #[must_use]
    pub fn texts(&self) -> &StrColumn {
        self.texts.as_ref().unwrap_or(&self.raws)
    }

    /// Media types, one a document.
    #[must_use]
    pub fn media_types(&self) -> &StrColumn {
        &self.media_types
    }

    /// Metadata as JSON objects, one a document; made at the first call after
    /// a change, so that stages which only read share the work.
    #[must_use]
    pub fn meta_jsons(&self) -> &StrColumn {
        self.meta_json.get_or_init(|| {
            self.docs
                .iter()
                .map(|doc| match doc.meta.is_empty() {
                    true => "{}".to_owned(),
                    false => serde_json::to_string(&doc.meta).expect("string keys are JSON"),
                })
                .collect()
        })
    }

    /// `meta.language` of each document (BCP 47); empty where it is not known.
    #[must_use]
    pub fn languages(&self) -> &StrColumn {
        self.languages.get_or_init(|| {
            self.docs
                .iter()
                .map(|doc| {
                    doc.meta
                        .get("language")
                        .and_then(Value::as_str)
                        .unwrap_or_default()
                })
                .collect()
        })
    }

    /// Layers in the order in which stages first wrote them.
    #[must_use]
    pub fn layers(&self) -> &[Layer] {
        &self.layers
    }

    /// The layer `name`.
    #[must_use]
    pub fn layer(&self, name: &str) -> Option<&Layer> {
        self.layers.iter().find(|layer| layer.name == name)
    }

    /// Removes a layer with all its spans; links to it no longer lead anywhere.
    pub fn remove_layer(&mut self, name: &str) {
        self.layers.retain(|layer| layer.name != name);
    }

    /// The names by which links of this batch mean layers.
    #[must_use]
    pub fn link_names(&self) -> &Names {
        &self.link_names
    }

    /// The name of the layer to which `link` points.
    #[must_use]
    pub fn link_layer(&self, link: Link) -> Option<&str> {
        self.link_names.get(link.layer)
    }

    /// The documents at `indices`, in that order, with all that belongs to them.
    #[must_use]
    pub fn select(&self, indices: &[usize]) -> Batch {
        Batch {
            ids: self.ids.select(indices),
            raws: Arc::new(self.raws.select(indices)),
            texts: self
                .texts
                .as_ref()
                .map(|texts| Arc::new(texts.select(indices))),
            media_types: self.media_types.select(indices),
            docs: indices.iter().map(|&i| self.docs[i].clone()).collect(),
            layers: self
                .layers
                .iter()
                .map(|layer| layer.select(indices.iter().copied()))
                .collect(),
            link_names: self.link_names.clone(),
            meta_json: OnceLock::new(),
            languages: OnceLock::new(),
        }
    }

    /// Cuts the batch in two: documents `at..` are returned.
    ///
    /// # Panics
    /// If `at > len()`.
    #[must_use]
    pub fn split_off(&mut self, at: usize) -> Batch {
        let tail: Vec<usize> = (at..self.len()).collect();
        let mut out = Batch {
            docs: Vec::new(),
            ids: self.ids.select(&tail),
            raws: Arc::new(self.raws.select(&tail)),
            texts: self
                .texts
                .as_ref()
                .map(|texts| Arc::new(texts.select(&tail))),
            media_types: self.media_types.select(&tail),
            layers: self
                .layers
                .iter()
                .map(|layer| layer.select(tail.iter().copied()))
                .collect(),
            link_names: self.link_names.clone(),
            meta_json: OnceLock::new(),
            languages: OnceLock::new(),
        };
        out.docs = self.docs.split_off(at);
        self.ids.truncate(at);
        Arc::make_mut(&mut self.raws).truncate(at);
        if let Some(texts) = &mut self.texts {
            Arc::make_mut(texts).truncate(at);
        }
        self.media_types.truncate(at);
        for layer in &mut self.layers {
            layer.truncate(at);
        }
        self.forget_json();
        out
    }

    /// Adds the documents of `other` at the end. The two may have different
    /// layers: what one lacks, its documents have no spans of.
    ///
    /// An attribute that has another type in `other` than here (only a stage
    /// that changes its mind between calls does that) is left out, with a
    /// warning on the documents concerned.
    pub fn append(&mut self, other: Batch) {
        if other.is_empty() && other.layers.is_empty() {
            return;
        }
        let (here, more) = (self.len(), other.len());
        if here == 0 && self.layers.is_empty() {
            *self = other;
            return;
        }
        self.ids.append(&other.ids);
        if other.texts.is_some() {
            Arc::make_mut(self.texts.get_or_insert_with(|| Arc::clone(&self.raws)))
                .append(other.texts());
        } else if let Some(texts) = &mut self.texts {
            Arc::make_mut(texts).append(&other.raws);
        }
        Arc::make_mut(&mut self.raws).append(&other.raws);
        self.media_types.append(&other.media_types);
        self.docs.extend(other.docs);
        let links: Vec<u32> = other
            .link_names
            .iter()
            .map(|name| self.link_names.intern(name))
            .collect();
        let links = links
            .iter()
            .enumerate()
            .any(|(old, &new)| old as u32 != new)
            .then_some(links);
        let mut warnings = Vec::new();
        for layer in other.layers {
            let at = match self.layers.iter().position(|l| l.name == layer.name) {
                Some(at) => at,
                None => {
                    self.layers
                        .push(Layer::empty(&layer.name, here, layer.transient, layer.raw));
                    self.layers.len() - 1
                }
            };
            let concerned: Vec<usize> = (0..more).filter(|&doc| !layer.is_empty(doc)).collect();
            let name = layer.name.clone();
            for attr in self.layers[at].append(layer, links.as_deref()) {
                for &doc in &concerned {
                    warnings.push((here + doc, name.clone(), attr.clone()));
                }
            }
        }
        for layer in &mut self.layers {
            layer.pad(here + more + 1 - layer.rows().len());
        }
        for (doc, layer, attr) in warnings {
            self.add_warning(
                doc,
                Warning {
                    stage: "batch".to_owned(),
                    code: "attribute-type".to_owned(),
                    message: format!(
                        "attribute `{attr}` of layer `{layer}` has another type here than in \
                         the documents before; its values were left out"
                    ),
                    span: None,
                },
            );
        }
        self.forget_json();
    }

    pub(crate) fn forget_json(&mut self) {
        self.meta_json.take();
        self.languages.take();
    }

    pub(crate) fn shared_raws(&self) -> Arc<StrColumn> {
        Arc::clone(&self.raws)
    }

    pub(crate) fn shared_texts(&self) -> Arc<StrColumn> {
        Arc::clone(self.texts.as_ref().unwrap_or(&self.raws))
    }

    /// Replaces the texts; `rounds` are the alignments between the old and the
    /// new text of the documents that change.
    pub(crate) fn set_texts(&mut self, texts: StrColumn, rounds: &[(usize, Alignment)]) {
        self.texts = Some(Arc::new(texts));
        for (doc, round) in rounds {
            let doc = &mut self.docs[*doc];
            doc.alignment = doc.alignment.after(round);
            for span in doc.warnings.iter_mut().filter_map(|w| w.span.as_mut()) {
                *span = round.to_text(span.clone());
            }
        }
    }

    pub(crate) fn intern_link(&mut self, layer: &str) -> u32 {
        self.link_names.intern(layer)
    }

    /// The place of layer `name`, which is made if it is not there.
    pub(crate) fn ensure_layer(&mut self, name: &str, transient: bool, raw: bool) -> usize {
        if let Some(at) = self.layers.iter().position(|layer| layer.name == name) {
            return at;
        }
        let docs = self.len();
        self.layers
            .push(Layer::empty(name, docs, transient, raw || name == REMOVED));
        self.layers.len() - 1
    }

    pub(crate) fn layer_mut(&mut self, at: usize) -> &mut Layer {
        &mut self.layers[at]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{batch, seen};
    use crate::{AttrValue, Changes, Contract, Span};
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn selected_documents_keep_all_that_is_theirs(batch in batch(), picks in prop::collection::vec(any::<prop::sample::Index>(), 0..6)) {
            let indices: Vec<usize> = match batch.len() {
                0 => Vec::new(),
                n => picks.iter().map(|pick| pick.index(n)).collect(),
            };
            let all = seen(&batch);
            let expected: Vec<String> = indices.iter().map(|&i| all[i].clone()).collect();
            prop_assert_eq!(seen(&batch.select(&indices)), expected);
        }

        #[test]
        fn a_batch_cut_in_two_and_joined_is_the_same(batch in batch(), at in any::<prop::sample::Index>()) {
            let all = seen(&batch);
            let at = at.index(batch.len() + 1);
            let mut head = batch;
            let tail = head.split_off(at);
            prop_assert_eq!(&seen(&head)[..], &all[..at]);
            prop_assert_eq!(&seen(&tail)[..], &all[at..]);
            head.append(tail);
            prop_assert_eq!(seen(&head), all);
        }

        #[test]
        fn batches_of_different_stages_join(mut left in batch(), mut right in batch(), without in any::<[bool; 2]>()) {
            if without[0] {
                left.remove_layer("names");
            }
            if without[1] {
                right.remove_layer("quotes");
            }
            let expected = [seen(&left), seen(&right)].concat();
            left.append(right);
            prop_assert_eq!(seen(&left), expected);
        }

        #[test]
        fn a_pushed_document_has_no_spans(mut batch in batch()) {
            let mut expected = seen(&batch);
            let new = NewDocument::new("late", "a late one 🦀");
            let mut alone = Batch::new();
            alone.push(new.clone());
            expected.extend(seen(&alone));
            batch.push(new);
            prop_assert_eq!(seen(&batch), expected);
        }
    }

    /// One document, one span of `layer` that links to itself.
    fn linked(layer: &str) -> Batch {
        let mut batch = Batch::new();
        batch.push(NewDocument::new("a", "text"));
        let contract = Contract::parse("s", &[], &[format!("layer:{layer}")]).unwrap();
        let mut changes = Changes::new(&batch, Arc::new(contract));
        let at = changes.layer(layer).unwrap();
        changes.add_spans(0, at, &[Span::new(0, 4)]).unwrap();
        let link = AttrValue::Link { layer: at, row: 0 };
        changes.set_attr(0, at, 0, "l", link).unwrap();
        batch.apply(changes);
        batch
    }

    #[test]
    fn links_keep_their_layer_when_batches_know_it_by_another_index() {
        let mut left = linked("x");
        left.append(linked("y"));
        left.append(linked("x"));
        let y = left.layer("y").unwrap().link(1, 0, "l").unwrap();
        let x = left.layer("x").unwrap().link(2, 0, "l").unwrap();
        assert_eq!(left.link_layer(y), Some("y"));
        assert_eq!(left.link_layer(x), Some("x"));
        assert_eq!(left.layer("x").unwrap().len(1), 0);
    }

    #[test]
    fn an_attribute_of_another_type_is_left_out_with_a_warning() {
        let with = |value: AttrValue<'_>| {
            let mut batch = Batch::new();
            batch.push(NewDocument::new("a", "text"));
            let contract = Contract::parse("s", &[], &["layer:x"]).unwrap();
            let mut changes = Changes::new(&batch, Arc::new(contract));
            let at = changes.layer("x").unwrap();
            changes.add_spans(0, at, &[Span::new(0, 4)]).unwrap();
            changes.set_attr(0, at, 0, "n", value).unwrap();
            batch.apply(changes);
            batch
        };
        let mut batch = with(AttrValue::Int(7));
        batch.append(with(AttrValue::Text("seven")));
        let layer = batch.layer("x").unwrap();
        assert_eq!(
            (layer.int(0, 0, "n"), layer.text(1, 0, "n")),
            (Some(7), None)
        );
        assert!(batch.warnings(0).is_empty());
        assert_eq!(batch.warnings(1)[0].code, "attribute-type");
    }

    #[test]
    fn unedited_texts_are_not_stored_twice() {
        let mut batch = Batch::new();
        batch.push(NewDocument::new("a", "text"));
        assert!(std::ptr::eq(batch.texts(), batch.raws()));
        assert_eq!(batch.text_bytes(), 4);
    }

    #[test]
    fn a_document_is_given_back_as_it_came() {
        let mut new = NewDocument::new("a", "text");
        new.meta.insert("title".into(), "before".into());
        let mut batch = Batch::new();
        batch.push(new.clone());
        batch.meta_mut(0).insert("title".into(), "after".into());
        batch.add_warning(
            0,
            Warning {
                stage: "s".into(),
                code: "c".into(),
                message: "m".into(),
                span: None,
            },
        );
        assert_eq!(batch.meta_jsons().get(0), r#"{"title":"after"}"#);
        assert_eq!(batch.as_it_came(0), new);
    }
}
