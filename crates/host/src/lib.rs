//! copydesk-host
