//! `article` tests the judgement alone, `stage` what comes out of the plugin.

mod article;
mod stage;
