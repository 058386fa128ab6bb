//! copydesk-plugin
