//! The `ner` stage.
