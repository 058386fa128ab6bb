//! The `cleanup` stage.
