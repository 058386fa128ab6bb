//! The `stress` stage.
