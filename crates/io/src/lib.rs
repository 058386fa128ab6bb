//! copydesk-io
