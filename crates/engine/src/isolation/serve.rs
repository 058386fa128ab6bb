//! The worker process itself.

use std::collections::BTreeMap;
use std::io::{self, Read};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Instant;

use copydesk_document::Batch;
use copydesk_host::{Facts, Plugins, Resources, Stage};

use super::memory;
use super::protocol::{self, Done, HEAD, Kind, LeftOut, Letter, Ready, Setup, StageSetup, Stop};
use crate::control::Control;
use crate::report::StopReason;
use crate::run::channel::{Permits, lock};
use crate::run::parcel::Parcel;
use crate::run::watch::Watch;
use crate::run::work::{Clock, Desk, Station};

/// Runs this process as a worker of the run that started it, until the run lets it go. Standard
/// input is the connection to the run; standard output and standard error are for what plugins
/// print.
///
/// # Errors
/// If the process was not started by a run, or the connection does not hold.
pub fn serve() -> io::Result<()> {
    let connection = connect()?;
    let mut inward = connection.inward;
    let outward = Arc::new(Mutex::new(connection.outward));
    let tell = |kind, content: &[u8]| protocol::write(&mut *lock(&outward), kind, content);

    let (Kind::Setup, setup) = read(&mut inward)? else {
        return Err(not_started_by_a_run());
    };
    let setup: Setup = serde_json::from_slice(&setup).map_err(|_| not_started_by_a_run())?;
    let stages = match load(&setup) {
        Ok(stages) => stages,
        Err(reason) => {
            let reason = reason + &at_the_limit(&setup).unwrap_or_default();
            return tell(Kind::Refused, reason.as_bytes());
        }
    };
    let stations = stations(&stages, &setup);
    let control = Control::new();
    let watch: Arc<dyn Watch> = Arc::new(Teller(Arc::clone(&outward)));
    let opened: Result<Vec<Desk<'_>>, StopReason> = stations
        .iter()
        .map(|station| Desk::open(station, 0, &control, Some(Arc::clone(&watch))))
        .collect();
    let mut desks = match opened {
        Ok(desks) => desks,
        Err(reason) => return tell(Kind::Refused, reason.to_string().as_bytes()),
    };
    let ready = Ready {
        baseline: memory::allocated(),
    };
    tell(Kind::Ready, &json(&ready))?;

    let mut counted = vec![BTreeMap::new(); stages.len()];
    loop {
        match read(&mut inward)? {
            (Kind::Batch, bytes) => {
                let batch = Batch::from_wire(&bytes)
                    .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
                drop(bytes);
                match process(&mut desks, &stations, batch) {
                    Ok((mut done, batch)) => {
                        for (before, stage) in counted.iter_mut().zip(&stages) {
                            done.counters.push(since(before, stage.counters()));
                        }
                        tell(Kind::Done, &protocol::done(&done, &batch.work_to_wire()))?;
                    }
                    Err(stop) => tell(Kind::Stop, &json(&stop))?,
                }
            }
            (Kind::End, _) => {
                LEAVING.store(true, Ordering::SeqCst);
                return Ok(());
            }
            (kind, _) => {
                let what = format!("a frame {kind:?} in place of documents");
                return Err(io::Error::new(io::ErrorKind::InvalidData, what));
            }
        }
    }
}

/// Set when the run has let this process go.
static LEAVING: AtomicBool = AtomicBool::new(false);

fn json(value: &impl serde::Serialize) -> Vec<u8> {
    serde_json::to_vec(value).expect("string keys are JSON")
}

fn not_started_by_a_run() -> io::Error {
    io::Error::new(
        io::ErrorKind::InvalidInput,
        "a worker process is started by a run with `isolation = \"process\"`, not by hand",
    )
}

#[cfg(unix)]
type Socket = std::os::unix::net::UnixStream;
#[cfg(not(unix))]
type Socket = std::net::TcpStream;

struct Connection {
    inward: Socket,
    outward: Socket,
}

/// Takes the connection away from where plugins could meet it, and sees to it that this process
/// does not outlive the run.
#[cfg(unix)]
fn connect() -> io::Result<Connection> {
    use std::os::fd::AsFd;

    use rustix::event::{PollFd, PollFlags, poll};
    use rustix::process::{Signal, getpid, kill_process};

    let stdin = io::stdin().as_fd().try_clone_to_owned()?;
    let inward = Socket::from(stdin);
    // An address is what a terminal, a file or a pipe has not.
    inward.peer_addr().map_err(|_| not_started_by_a_run())?;
    rustix::stdio::dup2_stdin(std::fs::File::open("/dev/null")?)?;
    let outward = inward.try_clone()?;
    let watched = inward.try_clone()?;
    std::thread::spawn(move || {
        loop {
            // Nothing is asked for; that the other end is gone is told all the same.
            let mut polled = [PollFd::new(&watched, PollFlags::empty())];
            if poll(&mut polled, None).is_err() {
                continue;
            }
            if LEAVING.load(Ordering::SeqCst) {
                return;
            }
            // The main thread may be in a plugin that never returns, and so may be what runs
            // at a regular exit.
            let _ = kill_process(getpid(), Signal::KILL);
        }
    });
    Ok(Connection { inward, outward })
}

#[cfg(not(unix))]
fn connect() -> io::Result<Connection> {
    Err(not_started_by_a_run())
}

fn read(from: &mut Socket) -> io::Result<(Kind, Vec<u8>)> {
    let mut head = [0; HEAD];
    from.read_exact(&mut head)?;
    let (kind, length) = protocol::read_head(&head)
        .map_err(|why| io::Error::new(io::ErrorKind::InvalidData, why))?;
    let mut content = vec![0; length];
    from.read_exact(&mut content)?;
    Ok((kind, content))
}

/// Creates the stages as the run's own process did, and loads them.
fn load(setup: &Setup) -> Result<Vec<Stage>, String> {
    if let Some(megabytes) = setup.memory_max_mb {
        memory::limit(megabytes).map_err(|error| {
            format!("its memory cannot be limited to `memory_max_mb = {megabytes}`: {error}")
        })?;
    }
    let mut files: Vec<_> = setup.stages.iter().map(|one| one.plugin.clone()).collect();
    files.sort();
    files.dedup();
    let plugins = Plugins::of_files(files);
    let resources = Resources::new(&setup.base);
    let mut facts = Facts::new();
    for (what, key, value) in &setup.facts {
        facts.insert(what, key, value);
    }
    let mut stages = Vec::new();
    for one in &setup.stages {
        let stage = create(one, &plugins, &mut facts, &resources)?;
        stage.load().map_err(|error| error.to_string())?;
        stages.push(stage);
    }
    Ok(stages)
}

/// What explains failures of many kinds: that the limit is all but reached.
fn at_the_limit(setup: &Setup) -> Option<String> {
    let limit = setup.memory_max_mb?;
    let taken = memory::megabytes(memory::allocated()?);
    // What could not be had was larger than what was left.
    (taken >= limit - limit / 4).then(|| {
        format!("\n`memory_max_mb = {limit}` may be too low: {taken} MB were taken by then")
    })
}

fn create(
    setup: &StageSetup,
    plugins: &Plugins,
    facts: &mut Facts,
    resources: &Resources,
) -> Result<Stage, String> {
    if protocol::stamp(&setup.plugin) != setup.stamp {
        return Err(format!(
            "the plugin file {} has changed since the run began",
            setup.plugin.display()
        ));
    }
    let kind = plugins.open(&setup.id).map_err(|error| error.to_string())?;
    kind.create_into(
        &setup.name,
        setup.into.as_deref(),
        &setup.options,
        facts,
        resources,
        1,
    )
    .map_err(|problems| {
        let problems: Vec<String> = problems.iter().map(ToString::to_string).collect();
        format!("stage `{}`: {}", setup.name, problems.join("; "))
    })
}

fn stations(stages: &[Stage], setup: &Setup) -> Vec<Station> {
    // The run counts threads; here there is one.
    let permits = Arc::new(Permits::new(1, stages.len()));
    let both = stages.iter().zip(&setup.stages).enumerate();
    both.map(|(index, (stage, one))| Station {
        step: Arc::new(stage.clone()),
        index,
        queue: 0,
        workers: 1,
        plugin: String::new(),
        timeout: one.timeout,
        retries: setup.retries,
        frees: one.frees.clone(),
        permits: Arc::clone(&permits),
        clock: Clock::default(),
        panics: AtomicU32::new(0),
    })
    .collect()
}

/// Tells the run that a call begins: the time of the call runs there, too.
struct Teller(Arc<Mutex<Socket>>);

impl Watch for Teller {
    fn begin(&self, stage: usize, _: &Batch, _: Instant) {
        // A run that is gone is found out at once by others.
        let _ = protocol::write(&mut *lock(&self.0), Kind::Calling, &[stage as u8]);
    }

    fn end(&self) {}
}

/// Passes the documents through all stages.
fn process(
    desks: &mut [Desk<'_>],
    stations: &[Station],
    batch: Batch,
) -> Result<(Done, Batch), Stop> {
    let mut done = Done::default();
    let mut parcel = Parcel::of(batch);
    for (stage, (desk, station)) in desks.iter_mut().zip(stations).enumerate() {
        if !parcel.batch.is_empty() {
            desk.process(&mut parcel).map_err(stop)?;
        }
        for layer in &station.frees {
            parcel.batch.remove_layer(layer);
        }
        // Documents have their index for a number here.
        done.letters
            .extend(parcel.letters.drain(..).map(|letter| Letter {
                doc: letter.seq as usize,
                stage,
                class: letter.class,
                code: letter.code,
                message: letter.message,
                attempts: letter.attempts,
            }));
        done.drops
            .extend(parcel.drops.drain(..).map(|dropped| LeftOut {
                doc: dropped.key.seq as usize,
                stage,
                reason: dropped.reason,
            }));
        let take = |counter: &std::sync::atomic::AtomicU64| counter.swap(0, Ordering::Relaxed);
        let clock = &station.clock;
        done.clocks
            .push([&clock.documents, &clock.calls, &clock.busy].map(take));
    }
    Ok((done, parcel.batch))
}

fn stop(reason: StopReason) -> Stop {
    match reason {
        StopReason::Worker { stage, message } => Stop::Worker { stage, message },
        StopReason::Panics {
            stage,
            batches,
            message,
        } => Stop::Panics {
            stage,
            batches,
            message,
        },
        other => Stop::Other(other.to_string()),
    }
}

/// What was counted since `before`, which is brought up to date.
fn since(before: &mut BTreeMap<String, u64>, now: BTreeMap<String, u64>) -> Vec<(String, u64)> {
    let more = now
        .iter()
        .map(|(name, count)| {
            let counted = before.get(name).copied().unwrap_or(0);
            (name.clone(), count.saturating_sub(counted))
        })
        .filter(|(_, more)| *more > 0)
        .collect();
    *before = now;
    more
}
