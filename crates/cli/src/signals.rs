//! Ctrl-C and SIGTERM: the first asks the run to finish what it has begun, the second ends it.

use std::{io, thread, time::Duration};

use copydesk_engine::{Control, Interrupt};
use signal_hook::{
    consts::{SIGINT, SIGTERM},
    iterator::Signals,
};

/// How long a run that was told to end at once may take to say so.
const PATIENCE: Duration = Duration::from_secs(2);

/// Steers `control` by signals from now on.
pub(crate) fn steer(control: &Control) -> io::Result<()> {
    let mut signals = Signals::new([SIGINT, SIGTERM])?;
    let control = control.clone();
    thread::spawn(move || {
        let mut seen = 0;
        for signal in signals.forever() {
            let by = if signal == SIGTERM {
                Interrupt::Terminate
            } else {
                Interrupt::Interrupt
            };
            seen += 1;
            control.interrupt(by);
            if seen == 2 {
                let first = control.interrupted().unwrap_or(by);
                thread::spawn(move || {
                    // A stage that does not return must not keep us.
                    thread::sleep(PATIENCE);
                    std::process::exit(code(first));
                });
            }
            if seen > 2 {
                std::process::exit(code(by));
            }
        }
    });
    Ok(())
}

fn code(by: Interrupt) -> i32 {
    match by {
        Interrupt::Interrupt => 130,
        Interrupt::Terminate => 143,
    }
}
