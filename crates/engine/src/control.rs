//! Stopping a run from outside.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};

/// Stops a run, from a signal handler's thread or a test. Copies steer the same run.
#[derive(Debug, Clone, Default)]
pub struct Control(Arc<State>);

#[derive(Debug, Default)]
struct State {
    soft: AtomicBool,
    now: Arc<AtomicBool>,
    signal: AtomicU8,
}

/// Who asked a run to stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Interrupt {
    /// Ctrl-C (SIGINT): exit code 130.
    Interrupt,
    /// SIGTERM: exit code 143.
    Terminate,
}

impl Control {
    /// A run that nobody has asked to stop.
    pub fn new() -> Self {
        Self::default()
    }

    /// Asks the run to read no more and to finish the documents in flight; asked a second time,
    /// to end at once.
    pub fn interrupt(&self, by: Interrupt) {
        if self.stop_softly(by) {
            return;
        }
        self.stop_now(by);
    }

    /// Asks the run to read no more and to finish the documents in flight. Returns whether it
    /// was running until then.
    pub fn stop_softly(&self, by: Interrupt) -> bool {
        self.name(by);
        !self.0.soft.swap(true, Ordering::SeqCst)
    }

    /// Asks the run to end at once. Documents in flight are not written; a call that is running
    /// and does not ask is left to the end of the process.
    pub fn stop_now(&self, by: Interrupt) {
        self.name(by);
        self.0.soft.store(true, Ordering::SeqCst);
        self.0.now.store(true, Ordering::SeqCst);
    }

    /// Who asked first, if somebody has.
    pub fn interrupted(&self) -> Option<Interrupt> {
        match self.0.signal.load(Ordering::SeqCst) {
            1 => Some(Interrupt::Interrupt),
            2 => Some(Interrupt::Terminate),
            _ => None,
        }
    }

    pub(crate) fn is_stopping(&self) -> bool {
        self.0.soft.load(Ordering::SeqCst)
    }

    pub(crate) fn is_stopping_now(&self) -> bool {
        self.0.now.load(Ordering::SeqCst)
    }

    /// Set when the run is to end at once: calls that ask are told to stop.
    pub(crate) fn now_flag(&self) -> &Arc<AtomicBool> {
        &self.0.now
    }

    fn name(&self, by: Interrupt) {
        let code = match by {
            Interrupt::Interrupt => 1,
            Interrupt::Terminate => 2,
        };
        // The first one is what the exit code tells.
        let _ = self
            .0
            .signal
            .compare_exchange(0, code, Ordering::SeqCst, Ordering::SeqCst);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_interrupt_is_soft_and_the_second_ends_at_once() {
        let control = Control::new();
        assert!(!control.is_stopping());
        control.interrupt(Interrupt::Terminate);
        assert!(control.is_stopping() && !control.is_stopping_now());
        control.interrupt(Interrupt::Interrupt);
        assert!(control.is_stopping_now());
        assert_eq!(control.interrupted(), Some(Interrupt::Terminate));
    }
}
