//! copydesk-testkit
