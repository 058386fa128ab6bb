//! copydesk-document
