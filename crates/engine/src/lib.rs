//! copydesk-engine
