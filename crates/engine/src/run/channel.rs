//! Channels between threads, bounded by count and by bytes, and the other things that
//! threads wait for: a thread of the budget, a place in the window.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crossbeam_channel::{RecvError, RecvTimeoutError};

/// What a channel counts bytes of.
pub(crate) trait Weigh {
    fn bytes(&self) -> usize;
}

/// The other side is gone: nothing more will be taken.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Closed;

/// A channel that holds at most `count` items and, unless it is a single one, at most
/// `bytes` bytes.
pub(crate) fn channel<T: Weigh>(count: usize, bytes: usize) -> (Sender<T>, Receiver<T>) {
    let (sender, receiver) = crossbeam_channel::bounded(count);
    let gate = Arc::new(Gate {
        load: Mutex::new(Load {
            items: 0,
            bytes: 0,
            receivers: 1,
            filled: Duration::ZERO,
            since: Instant::now(),
        }),
        changed: Condvar::new(),
        limit: bytes,
        places: u32::try_from(count).unwrap_or(u32::MAX),
    });
    (
        Sender {
            inner: sender,
            gate: Arc::clone(&gate),
        },
        Receiver {
            inner: receiver,
            gate,
        },
    )
}

pub(crate) struct Sender<T> {
    inner: crossbeam_channel::Sender<(T, usize)>,
    gate: Arc<Gate>,
}

pub(crate) struct Receiver<T> {
    inner: crossbeam_channel::Receiver<(T, usize)>,
    gate: Arc<Gate>,
}

struct Gate {
    load: Mutex<Load>,
    changed: Condvar,
    limit: usize,
    places: u32,
}

struct Load {
    /// Those that wait to get in among them.
    items: usize,
    bytes: usize,
    receivers: usize,
    /// For how long a place was taken, all places together, until `since`.
    filled: Duration,
    since: Instant,
}

impl Load {
    /// Books the time until now, before the number of items changes.
    fn clock(&mut self, places: u32) {
        let taken = u32::try_from(self.items).unwrap_or(u32::MAX).min(places);
        self.filled += self.since.elapsed() * taken;
        self.since = Instant::now();
    }
}

/// Tells how full a channel was.
pub(crate) struct Gauge {
    gate: Arc<Gate>,
    begun: Instant,
}

impl Gauge {
    /// Part of the places that were taken since the gauge was made, on average.
    pub(crate) fn mean(&self) -> f64 {
        let mut load = lock(&self.gate.load);
        load.clock(self.gate.places);
        let all = self.begun.elapsed().as_secs_f64() * f64::from(self.gate.places.max(1));
        (load.filled.as_secs_f64() / all.max(1e-9)).min(1.0)
    }
}

impl<T: Weigh> Sender<T> {
    /// Waits until there is room.
    pub(crate) fn send(&self, item: T) -> Result<(), Closed> {
        let bytes = item.bytes();
        let mut load = lock(&self.gate.load);
        while load.items > 0
            && load.bytes.saturating_add(bytes) > self.gate.limit
            && load.receivers > 0
        {
            load = wait(&self.gate.changed, load);
        }
        if load.receivers == 0 {
            // The channel itself may not know yet.
            return Err(Closed);
        }
        load.clock(self.gate.places);
        load.items += 1;
        load.bytes += bytes;
        drop(load);
        self.inner.send((item, bytes)).map_err(|_| Closed)
    }
}

impl<T> Receiver<T> {
    pub(crate) fn gauge(&self) -> Gauge {
        Gauge {
            gate: Arc::clone(&self.gate),
            begun: Instant::now(),
        }
    }

    pub(crate) fn recv(&self) -> Result<T, RecvError> {
        self.inner.recv().map(|item| self.taken(item))
    }

    pub(crate) fn recv_timeout(&self, timeout: Duration) -> Result<T, RecvTimeoutError> {
        self.inner
            .recv_timeout(timeout)
            .map(|item| self.taken(item))
    }

    fn taken(&self, (item, bytes): (T, usize)) -> T {
        let mut load = lock(&self.gate.load);
        load.clock(self.gate.places);
        load.items -= 1;
        load.bytes -= bytes;
        drop(load);
        self.gate.changed.notify_all();
        item
    }
}

impl<T> Clone for Sender<T> {
    fn clone(&self) -> Self {
        Self {
            inner: self.inner.clone(),
            gate: Arc::clone(&self.gate),
        }
    }
}

impl<T> Clone for Receiver<T> {
    fn clone(&self) -> Self {
        lock(&self.gate.load).receivers += 1;
        Self {
            inner: self.inner.clone(),
            gate: Arc::clone(&self.gate),
        }
    }
}

impl<T> Drop for Receiver<T> {
    fn drop(&mut self) {
        lock(&self.gate.load).receivers -= 1;
        self.gate.changed.notify_all();
    }
}

/// The run's thread budget: so many calls compute at one time.
///
/// A later stage goes first: what is furthest along leaves the memory soonest.
pub(crate) struct Permits {
    state: Mutex<Budget>,
    changed: Condvar,
}

struct Budget {
    free: u32,
    waiting: Vec<u32>,
}

/// One thread of the budget, given back when dropped.
pub(crate) struct Permit<'a>(&'a Permits);

impl Permits {
    pub(crate) fn new(threads: u32, stages: usize) -> Self {
        Self {
            state: Mutex::new(Budget {
                free: threads,
                waiting: vec![0; stages],
            }),
            changed: Condvar::new(),
        }
    }

    pub(crate) fn acquire(&self, stage: usize) -> Permit<'_> {
        let mut state = lock(&self.state);
        state.waiting[stage] += 1;
        while state.free == 0
            || state.waiting[stage + 1..]
                .iter()
                .any(|&waiting| waiting > 0)
        {
            state = wait(&self.changed, state);
        }
        state.waiting[stage] -= 1;
        state.free -= 1;
        let more = state.free > 0;
        drop(state);
        if more {
            // Those that stood back for this one may go now.
            self.changed.notify_all();
        }
        Permit(self)
    }
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        lock(&self.0.state).free += 1;
        self.0.changed.notify_all();
    }
}

/// How many batches may be under way at all: bounds what waits for its turn in the output
/// behind a slow batch.
pub(crate) struct Window {
    state: Mutex<Places>,
    changed: Condvar,
}

struct Places {
    free: usize,
    closed: bool,
}

impl Window {
    pub(crate) fn new(places: usize) -> Self {
        Self {
            state: Mutex::new(Places {
                free: places,
                closed: false,
            }),
            changed: Condvar::new(),
        }
    }

    /// Waits for a place.
    pub(crate) fn enter(&self) -> Result<(), Closed> {
        let mut state = lock(&self.state);
        while state.free == 0 && !state.closed {
            state = wait(&self.changed, state);
        }
        if state.closed {
            return Err(Closed);
        }
        state.free -= 1;
        Ok(())
    }

    pub(crate) fn leave(&self) {
        lock(&self.state).free += 1;
        self.changed.notify_all();
    }

    /// Whether nobody enters any more.
    pub(crate) fn is_closed(&self) -> bool {
        lock(&self.state).closed
    }

    /// Nobody enters any more.
    pub(crate) fn close(&self) {
        lock(&self.state).closed = true;
        self.changed.notify_all();
    }
}

/// These locks guard counters that are right at every step, so a panic elsewhere spoils nothing.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn wait<'a, T>(condvar: &Condvar, guard: MutexGuard<'a, T>) -> MutexGuard<'a, T> {
    condvar.wait(guard).unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};
    use std::thread;

    use super::*;

    struct Load(usize);

    impl Weigh for Load {
        fn bytes(&self) -> usize {
            self.0
        }
    }

    const SOON: Duration = Duration::from_millis(30);

    #[test]
    fn a_channel_holds_no_more_bytes_than_it_may_but_always_one_item() {
        let (sender, receiver) = channel(10, 100);
        sender.send(Load(500)).unwrap();
        let sent = Arc::new(AtomicU32::new(0));
        let thread = thread::spawn({
            let sent = Arc::clone(&sent);
            move || {
                for _ in 0..3 {
                    sender.send(Load(60)).unwrap();
                    sent.fetch_add(1, Ordering::SeqCst);
                }
            }
        });
        thread::sleep(SOON);
        assert_eq!(sent.load(Ordering::SeqCst), 0, "the large item fills it");
        assert_eq!(receiver.recv().unwrap().0, 500);
        thread::sleep(SOON);
        assert_eq!(sent.load(Ordering::SeqCst), 1, "60 fits, twice 60 does not");
        while receiver.recv().is_ok() {}
        thread.join().unwrap();
        assert_eq!(sent.load(Ordering::SeqCst), 3);
    }

    #[test]
    fn a_gauge_tells_how_full_the_channel_was() {
        let (sender, receiver) = channel(2, 100);
        let gauge = receiver.gauge();
        sender.send(Load(1)).unwrap();
        thread::sleep(SOON);
        receiver.recv().unwrap();
        let half = gauge.mean();
        assert!(half > 0.2 && half <= 0.5, "one of two places: {half}");
        thread::sleep(SOON);
        assert!(gauge.mean() < half, "none is taken since");
    }

    #[test]
    fn a_sender_that_waits_for_bytes_learns_that_the_receivers_are_gone() {
        let (sender, receiver) = channel(10, 100);
        sender.send(Load(100)).unwrap();
        let thread = thread::spawn(move || sender.send(Load(100)));
        thread::sleep(SOON);
        drop(receiver);
        assert_eq!(thread.join().unwrap(), Err(Closed));
    }

    #[test]
    fn no_more_calls_run_at_one_time_than_the_budget_has_threads() {
        let permits = Permits::new(2, 3);
        let (running, most) = (&AtomicU32::new(0), &AtomicU32::new(0));
        let permits = &permits;
        thread::scope(|scope| {
            for stage in 0..3 {
                for _ in 0..4 {
                    scope.spawn(move || {
                        for _ in 0..20 {
                            let _permit = permits.acquire(stage);
                            let now = running.fetch_add(1, Ordering::SeqCst) + 1;
                            most.fetch_max(now, Ordering::SeqCst);
                            thread::yield_now();
                            running.fetch_sub(1, Ordering::SeqCst);
                        }
                    });
                }
            }
        });
        assert!(most.load(Ordering::SeqCst) <= 2);
    }

    #[test]
    fn a_later_stage_gets_the_free_thread_first() {
        let permits = &Permits::new(1, 3);
        let order = &Mutex::new(Vec::new());
        let held = permits.acquire(1);
        thread::scope(|scope| {
            for stage in [0, 2] {
                scope.spawn(move || {
                    let _permit = permits.acquire(stage);
                    lock(order).push(stage);
                });
            }
            while lock(&permits.state).waiting != [1, 0, 1] {
                thread::yield_now();
            }
            drop(held);
        });
        assert_eq!(*lock(order), [2, 0]);
    }

    #[test]
    fn a_closed_window_lets_nobody_wait() {
        let window = Window::new(1);
        window.enter().unwrap();
        thread::scope(|scope| {
            let waiting = scope.spawn(|| window.enter());
            thread::sleep(SOON);
            window.close();
            assert_eq!(waiting.join().unwrap(), Err(Closed));
        });
    }
}
