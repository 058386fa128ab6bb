//! One worker process, from this side: start, talk, and find out how it ended.
#![cfg_attr(not(unix), allow(dead_code, unused_imports))]

use std::collections::VecDeque;
use std::fmt;
use std::io::{self, BufRead, BufReader, PipeReader, Read, Write};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use copydesk_host::HostError;
use tracing::level_filters::LevelFilter;

use super::protocol::{self, HEAD, Kind, Ready};
use super::{Group, MARK, WORKER_COMMAND, memory};
use crate::run::channel::lock;

#[cfg(unix)]
type Socket = std::os::unix::net::UnixStream;
/// Worker processes need Unix; this is never connected.
#[cfg(not(unix))]
type Socket = std::net::TcpStream;

/// How often somebody who waits for a worker process looks around.
const LOOK: Duration = Duration::from_millis(50);
/// How long a process that has closed its connection may take to end.
const DYING: Duration = Duration::from_secs(2);
/// How long a process that was told to end may take: stages may have something to write.
const CLOSING: Duration = Duration::from_secs(5);
/// How often a process is started that is killed from outside before it is ready.
const STARTS: u32 = 3;
/// How many of the last lines that a worker process printed are kept.
const LAST_WORDS: usize = 8;

/// A worker process; killed when dropped.
pub(super) struct Process {
    child: Child,
    socket: Socket,
    /// What has come of the next frame.
    inbox: Vec<u8>,
    words: Arc<Mutex<VecDeque<String>>>,
    listener: JoinHandle<()>,
    /// Whether the process is gone, with all that it had started.
    gone: bool,
    /// Batches that it was sent.
    pub(super) batches: u64,
}

/// Something that a worker process said.
pub(super) struct Frame {
    pub(super) kind: Kind,
    pub(super) content: Vec<u8>,
}

/// Why no frame came.
pub(super) enum NoFrame {
    /// It did not come in time.
    NotYet,
    /// The process is gone.
    Dead(Death),
}

/// How a worker process came to its end.
#[derive(Debug, Clone)]
pub(super) struct Death {
    pub(super) how: How,
    /// The last lines that it printed.
    words: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum How {
    /// By a signal that did not come from us.
    Signal(i32),
    /// With an exit code.
    Exit(i32),
    /// We ended it, because it closed its connection or said what cannot be understood.
    Torn(String),
}

impl Death {
    /// Code and words for dead letters.
    pub(super) fn told(&self, memory_max_mb: Option<u64>) -> (&'static str, String) {
        if let Some(line) = self.said(&["memory allocation of ", "bad_alloc", "out of memory"]) {
            let limit = memory_max_mb.map(|mb| format!(" (`memory_max_mb = {mb}`)"));
            let limit = limit.unwrap_or_default();
            return (
                "out-of-memory",
                format!("its worker process ran out of memory{limit}: {line}"),
            );
        }
        // That line names threads by numbers that differ from run to run.
        if self.said(&["has overflowed its stack"]).is_some() {
            let message = "the plugin overflowed the stack of its worker process";
            return ("stack-overflow", message.to_owned());
        }
        let code = match self.how {
            How::Signal(_) => "killed-by-signal",
            How::Exit(_) => "exited",
            How::Torn(_) => "torn-connection",
        };
        let words = match self.words.last() {
            Some(line) => format!("; its last words: {line}"),
            None => String::new(),
        };
        (code, format!("its worker process {}{words}", self.how))
    }

    /// Whether it may have been ended by somebody outside, such as a system short of memory.
    pub(super) fn may_be_from_outside(&self) -> bool {
        matches!(self.how, How::Signal(9 | 15))
    }

    fn said(&self, parts: &[&str]) -> Option<&str> {
        let mut lines = self.words.iter().map(String::as_str);
        lines.find(|line| parts.iter().any(|part| line.contains(part)))
    }

    /// For the log and for errors of the start: everything.
    fn in_full(&self) -> String {
        let mut text = self.how.to_string();
        for line in &self.words {
            text += "\n  | ";
            text += line;
        }
        text
    }
}

impl fmt::Display for How {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Signal(number) => match signal_name(*number) {
                Some(name) => write!(f, "was killed by signal {number} ({name})"),
                None => write!(f, "was killed by signal {number}"),
            },
            Self::Exit(code) => write!(f, "ended itself with exit code {code}"),
            Self::Torn(why) => write!(f, "could not be understood any more ({why})"),
        }
    }
}

fn signal_name(number: i32) -> Option<&'static str> {
    // Those that have these numbers on every Unix.
    Some(match number {
        4 => "SIGILL, illegal instruction",
        5 => "SIGTRAP",
        6 => "SIGABRT, abort",
        8 => "SIGFPE, arithmetic error",
        9 => "SIGKILL, from outside: often a system that is short of memory",
        11 => "SIGSEGV, invalid memory access",
        13 => "SIGPIPE",
        14 => "SIGALRM",
        15 => "SIGTERM, from outside",
        7 if cfg!(target_os = "linux") => "SIGBUS, invalid memory access",
        _ => return None,
    })
}

/// Why a worker process is not ready.
enum Failed {
    /// It said so, or was never there.
    Refused(String),
    Died(Death),
}

fn died_at_start(death: &Death, memory_max_mb: Option<u64>) -> String {
    let hint = match memory_max_mb {
        Some(mb) if death.told(None).0 == "out-of-memory" => format!(
            "\n`memory_max_mb = {mb}` is less than its stages need before the first document"
        ),
        _ => String::new(),
    };
    format!("it {}{hint}", death.in_full())
}

impl Process {
    /// Starts a worker process for the group and waits until it has loaded its stages, or until
    /// `stop` says that nobody waits any more.
    pub(super) fn start(group: &Group, stop: &dyn Fn() -> bool) -> Result<Self, HostError> {
        let mut starts = 0;
        let reason = loop {
            starts += 1;
            match Self::start_once(group, stop) {
                Ok(process) => return Ok(process),
                // Not its own fault, perhaps.
                Err(Failed::Died(death)) if death.may_be_from_outside() && starts < STARTS => {}
                Err(Failed::Died(death)) => break died_at_start(&death, group.memory_max_mb),
                Err(Failed::Refused(reason)) => break reason,
            }
        };
        Err(HostError::WorkerProcess {
            stages: group.names(),
            reason,
        })
    }

    fn start_once(group: &Group, stop: &dyn Fn() -> bool) -> Result<Self, Failed> {
        let begun = Instant::now();
        let mut process = Self::spawn(group.names())
            .map_err(|error| Failed::Refused(format!("it cannot be started: {error}")))?;
        let setup = serde_json::to_vec(&group.setup).map_err(|error| {
            Failed::Refused(format!("its stages cannot be named to it: {error}"))
        })?;
        let mut frame = process.send(Kind::Setup, &setup, stop);
        loop {
            let Frame { kind, content } = match frame.and_then(|()| process.receive(LOOK)) {
                Ok(frame) => frame,
                Err(NoFrame::Dead(death)) => return Err(Failed::Died(death)),
                Err(NoFrame::NotYet) if stop() => {
                    return Err(Failed::Refused("the run was stopped".to_owned()));
                }
                Err(NoFrame::NotYet) => {
                    frame = Ok(());
                    continue;
                }
            };
            match kind {
                Kind::Ready => {
                    let ready: Ready = serde_json::from_slice(&content).unwrap_or_default();
                    tracing::debug!(
                        pid = process.child.id(),
                        allocated_mb = ready.baseline.map(memory::megabytes),
                        millis = begun.elapsed().as_millis() as u64,
                        "a worker process of {} is ready",
                        group.names()
                    );
                    return Ok(process);
                }
                Kind::Refused => {
                    let reason = String::from_utf8_lossy(&content).into_owned();
                    return Err(Failed::Refused(reason));
                }
                kind => return Err(Failed::Refused(format!("it began with {kind:?}"))),
            }
        }
    }

    #[cfg(not(unix))]
    fn spawn(_: String) -> io::Result<Self> {
        Err(io::Error::new(
            io::ErrorKind::Unsupported,
            "`isolation = \"process\"` needs a Unix system",
        ))
    }

    #[cfg(unix)]
    fn spawn(stages: String) -> io::Result<Self> {
        use std::os::fd::OwnedFd;
        use std::os::unix::process::CommandExt;

        if std::env::var_os(MARK).is_some() {
            return Err(io::Error::other(
                "this is a worker process itself: the program that was started does not know `__worker`",
            ));
        }
        let (ours, theirs) = Socket::pair()?;
        ours.set_read_timeout(Some(LOOK))?;
        ours.set_write_timeout(Some(LOOK))?;
        let (printed, print) = io::pipe()?;
        let mut command = Command::new(program()?);
        command
            .arg0("copydesk")
            .arg(WORKER_COMMAND)
            .arg(LevelFilter::current().to_string())
            .env(MARK, "1")
            .stdin(Stdio::from(OwnedFd::from(theirs)))
            .stdout(Stdio::from(print.try_clone()?))
            .stderr(Stdio::from(print))
            .process_group(0);
        let child = command.spawn()?;
        // Our copies of the other ends.
        drop(command);
        let words: Arc<Mutex<VecDeque<String>>> = Arc::default();
        let listener = thread::spawn({
            let words = Arc::clone(&words);
            move || listen(printed, &stages, &words)
        });
        Ok(Self {
            child,
            socket: ours,
            inbox: Vec::new(),
            words,
            listener,
            gone: false,
            batches: 0,
        })
    }

    /// Sends a frame. A process that is gone is found out when it is to answer.
    pub(super) fn send(
        &mut self,
        kind: Kind,
        content: &[u8],
        stop: &dyn Fn() -> bool,
    ) -> Result<(), NoFrame> {
        for part in [&protocol::head(kind, content.len())[..], content] {
            let mut rest = part;
            while !rest.is_empty() {
                match self.socket.write(rest) {
                    Ok(0) => return Err(NoFrame::Dead(self.bury())),
                    Ok(written) => rest = &rest[written..],
                    Err(error) if is_not_yet(&error) => {
                        if stop() {
                            return Err(NoFrame::NotYet);
                        }
                    }
                    Err(_) => return Err(NoFrame::Dead(self.bury())),
                }
            }
        }
        Ok(())
    }

    /// The next frame, if it comes soon.
    pub(super) fn receive(&mut self, within: Duration) -> Result<Frame, NoFrame> {
        let until = Instant::now() + within;
        loop {
            let wanted = match self.inbox.first_chunk::<HEAD>() {
                None => HEAD,
                Some(head) => match protocol::read_head(head) {
                    Ok((kind, length)) if self.inbox.len() == HEAD + length => {
                        let content = self.inbox.split_off(HEAD);
                        self.inbox.clear();
                        return Ok(Frame { kind, content });
                    }
                    Ok((_, length)) => HEAD + length,
                    Err(why) => return Err(NoFrame::Dead(self.give_up(why))),
                },
            };
            let missing = (wanted - self.inbox.len()) as u64;
            match (&mut self.socket)
                .take(missing)
                .read_to_end(&mut self.inbox)
            {
                // Less than was asked for is the end; what came is kept in the other cases.
                Ok(read) if (read as u64) < missing => return Err(NoFrame::Dead(self.bury())),
                Ok(_) => {}
                Err(error) if is_not_yet(&error) => {
                    // A child of the process may hold the connection open.
                    if let Some(status) = self.ended() {
                        return Err(NoFrame::Dead(self.death(how(status))));
                    }
                    if Instant::now() >= until {
                        return Err(NoFrame::NotYet);
                    }
                }
                Err(_) => return Err(NoFrame::Dead(self.bury())),
            }
        }
    }

    /// What became of a process whose connection has ended.
    fn bury(&mut self) -> Death {
        match self.wait_for(DYING) {
            Some(status) => self.death(how(status)),
            None => self.give_up("it closed its connection".to_owned()),
        }
    }

    /// Ends a process that cannot be talked to.
    pub(super) fn give_up(&mut self, why: String) -> Death {
        self.kill();
        self.death(How::Torn(why))
    }

    fn death(&mut self, how: How) -> Death {
        // Somebody else may hold the pipe open.
        let until = Instant::now() + LOOK * 4;
        while !self.listener.is_finished() && Instant::now() < until {
            thread::sleep(Duration::from_millis(1));
        }
        let words = lock(&self.words).iter().cloned().collect();
        let death = Death { how, words };
        tracing::debug!(
            pid = self.child.id(),
            "a worker process {}",
            death.in_full()
        );
        death
    }

    /// Ends the process with all that it has started. Returns when it is gone.
    pub(super) fn kill(&mut self) {
        if !self.gone {
            self.kill_group();
            let _ = self.child.kill();
            let _ = self.child.wait();
            self.gone = true;
        }
    }

    /// How the process ended, if it did; what it has started ends with it.
    fn ended(&mut self) -> Option<ExitStatus> {
        let status = self.child.try_wait().ok().flatten()?;
        if !self.gone {
            self.kill_group();
            self.gone = true;
        }
        Some(status)
    }

    fn kill_group(&self) {
        #[cfg(unix)]
        if let Ok(pid) = i32::try_from(self.child.id())
            && let Some(group) = rustix::process::Pid::from_raw(pid)
        {
            // That nobody is left is no error.
            let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
        }
    }

    /// Lets the process close its stages and end.
    pub(super) fn end(mut self) {
        let ended = self
            .send(Kind::End, &[], &|| true)
            .is_ok()
            .then(|| self.wait_for(CLOSING))
            .flatten();
        if ended.is_none() {
            tracing::debug!(
                pid = self.child.id(),
                "a worker process did not end by itself"
            );
        }
    }

    fn wait_for(&mut self, patience: Duration) -> Option<ExitStatus> {
        let until = Instant::now() + patience;
        loop {
            if let Some(status) = self.ended() {
                return Some(status);
            }
            if Instant::now() >= until {
                return None;
            }
            thread::sleep(Duration::from_millis(1));
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

/// This very program. By the system's link to it where there is one: the file may have been
/// replaced by a newer one since.
#[cfg(unix)]
fn program() -> io::Result<std::path::PathBuf> {
    let link = std::path::Path::new("/proc/self/exe");
    if link.exists() {
        return Ok(link.to_owned());
    }
    std::env::current_exe()
}

fn is_not_yet(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut | io::ErrorKind::Interrupted
    )
}

#[cfg(unix)]
fn how(status: ExitStatus) -> How {
    use std::os::unix::process::ExitStatusExt;
    match (status.signal(), status.code()) {
        (Some(signal), _) => How::Signal(signal),
        (None, Some(code)) => How::Exit(code),
        (None, None) => How::Torn(status.to_string()),
    }
}

#[cfg(not(unix))]
fn how(status: ExitStatus) -> How {
    How::Exit(status.code().unwrap_or_default())
}

/// Passes on what a worker process prints: its log as log, the rest as what it is.
fn listen(printed: PipeReader, stages: &str, words: &Mutex<VecDeque<String>>) {
    let mut printed = BufReader::new(printed);
    let mut line = Vec::new();
    loop {
        line.clear();
        // A line without end is told in pieces, not kept whole.
        match (&mut printed).take(1 << 16).read_until(b'\n', &mut line) {
            Ok(0) | Err(_) => return,
            Ok(_) => {}
        }
        let text = String::from_utf8_lossy(&line);
        let text = text.trim_end();
        if let Some((level, message)) = logged(text) {
            match level {
                "ERROR" => tracing::error!("{message}"),
                "WARN" => tracing::warn!("{message}"),
                "INFO" => tracing::info!("{message}"),
                "DEBUG" => tracing::debug!("{message}"),
                _ => tracing::trace!("{message}"),
            }
        } else if !text.trim().is_empty() {
            tracing::info!("{stages} printed: {text}");
            let mut words = lock(words);
            if words.len() == LAST_WORDS {
                words.pop_front();
            }
            words.push_back(text.chars().take(400).collect());
        }
    }
}

/// Before a line of the log of a worker process; between its level and text; in place of its
/// line ends.
const RECORD: char = '\u{1e}';
const UNIT: char = '\u{1f}';
const LINE_END: char = '\u{1d}';

/// A message of a worker process's log as the line that it has to print, without the line end.
#[must_use]
pub fn log_line(level: tracing::Level, message: &str) -> String {
    let message = message.trim_end().replace('\n', &LINE_END.to_string());
    format!("{RECORD}{level}{UNIT}{message}")
}

/// Level and message, if the line is one of [`log_line`].
fn logged(line: &str) -> Option<(&str, String)> {
    let (level, message) = line.strip_prefix(RECORD)?.split_once(UNIT)?;
    Some((level, message.replace(LINE_END, "\n")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn death(how: How, words: &[&str]) -> Death {
        Death {
            how,
            words: words.iter().map(|&line| line.to_owned()).collect(),
        }
    }

    #[test]
    fn deaths_are_told_by_what_they_are() {
        let abort = death(How::Signal(6), &["free(): invalid pointer"]);
        assert_eq!(
            abort.told(None),
            (
                "killed-by-signal",
                "its worker process was killed by signal 6 (SIGABRT, abort); its last words: \
                 free(): invalid pointer"
                    .to_owned()
            )
        );
        let exit = death(How::Exit(7), &[]);
        assert_eq!(
            exit.told(Some(3)),
            (
                "exited",
                "its worker process ended itself with exit code 7".to_owned()
            )
        );
        let memory = death(
            How::Signal(6),
            &["memory allocation of 512 bytes failed", "more"],
        );
        assert_eq!(
            memory.told(Some(300)),
            (
                "out-of-memory",
                "its worker process ran out of memory (`memory_max_mb = 300`): memory allocation \
                 of 512 bytes failed"
                    .to_owned()
            )
        );
        let stack = death(
            How::Signal(6),
            &["thread 'main' (42) has overflowed its stack", "fatal"],
        );
        assert_eq!(stack.told(None).0, "stack-overflow");
    }

    #[test]
    fn a_log_line_reads_back_and_prints_are_none() {
        let line = log_line(tracing::Level::WARN, "one\ntwo ü\n");
        assert!(!line.contains('\n'));
        assert_eq!(logged(&line), Some(("WARN", "one\ntwo ü".to_owned())));
        assert_eq!(logged("WARN: one"), None);
    }
}
