//! The `encode` stage.
