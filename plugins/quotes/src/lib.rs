//! The `quotes` stage.
