//! The `sentiment` stage.
