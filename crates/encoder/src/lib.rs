//! copydesk-encoder
