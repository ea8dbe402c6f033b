//! The processes of the functions: starts them, kills them at random, and replaces those that are dead.

use std::{
    fs::{self, File, OpenOptions},
    ops::Range,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::task::JoinHandle;

use crate::{
    journal::Downstream,
    population::VALUE_PREFIX,
    queue::FaultyQueue,
    runtime::{Invocations, Role, Runtime, Source, TIMEOUT},
    stream::CONSUMERS,
};

/// At every tenth kill of a worker the reconciler is killed, too.
const KILLS_PER_RECONCILER: usize = 10;
/// What the runtime of a capture logs of a batch whose requests failed too often, so that it comes again.
const BATCH_AGAIN: &str = r#""message":"Store(Unavailable("#;
/// The least mean time between two kills, in seconds: a new process must have time to start work.
const LEAST_INTERVAL: f64 = 0.3;
/// The share of the work that is planned to remain after the last kill.
const SHARE_AFTER_LAST_KILL: f64 = 0.2;

/// The configuration of all processes.
pub(crate) struct Setting {
    pub(crate) programs: PathBuf,
    pub(crate) logs: PathBuf,
    pub(crate) table: String,
    pub(crate) dynamodb: String,
    pub(crate) sqs: String,
    pub(crate) downstream: Downstream,
}

/// Numbers about the processes so far.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Figures {
    /// Workers that were killed.
    pub(crate) kills: usize,
    /// Workers that were killed during an invocation.
    pub(crate) busy: usize,
    pub(crate) reconcilers: usize,
    /// Captures and publishers that were killed.
    pub(crate) downstream: usize,
    /// Captures and publishers that were killed during an invocation.
    pub(crate) downstream_busy: usize,
    /// Processes that ended by themselves, which is a fault.
    pub(crate) deaths: usize,
    /// Invocations that exceeded their timeout, which is a fault.
    pub(crate) timeouts: usize,
    /// The peak memory of any worker, in KiB.
    pub(crate) peak: u64,
}

/// All processes: first the workers, then the reconciler, then captures and publishers.
pub(crate) struct Fleet {
    workers: usize,
    setting: Setting,
    queue: FaultyQueue,
    invocations: Arc<Invocations>,
    processes: Vec<Process>,
    pub(crate) figures: Figures,
}

struct Process {
    role: Role,
    child: Child,
    runtime: Arc<Runtime>,
    server: JoinHandle<()>,
}

impl Fleet {
    pub(crate) async fn start(
        setting: Setting,
        queue: FaultyQueue,
        invocations: Arc<Invocations>,
        workers: usize,
    ) -> Self {
        let mut fleet =
            Self { workers, setting, queue, invocations, processes: Vec::new(), figures: Figures::default() };
        let downstream = (0..CONSUMERS).flat_map(|number| [Role::Capture(number), Role::Publisher(number)]);
        for role in (0..workers).map(Role::Worker).chain([Role::Reconciler]).chain(downstream) {
            let process = fleet.spawn(role).await;
            fleet.processes.push(process);
        }
        fleet
    }

    async fn spawn(&self, role: Role) -> Process {
        let (program, log) = match role {
            Role::Worker(number) => ("efface-bulk-worker", format!("worker-{number}.log")),
            Role::Reconciler => ("efface-job-reconciler", "reconciler.log".to_owned()),
            Role::Capture(number) => ("efface-change-capture", format!("capture-{number}.log")),
            Role::Publisher(number) => ("efface-audit-log", format!("publisher-{number}.log")),
        };
        let Setting { programs, logs, table, dynamodb, sqs, downstream } = &self.setting;
        let source = match role {
            Role::Worker(number) => Source { queue: Some((self.queue.clone(), number)), ..Source::default() },
            Role::Reconciler => Source { has_schedule: true, ..Source::default() },
            Role::Capture(number) => Source { stream: Some((downstream.stream.clone(), number)), ..Source::default() },
            Role::Publisher(number) => {
                Source { queue: Some((downstream.pointers.clone(), number)), has_schedule: true, ..Source::default() }
            }
        };
        let (runtime, address, server) = Runtime::start(role, source, Arc::clone(&self.invocations)).await;
        let log = OpenOptions::new().create(true).append(true).open(logs.join(log)).unwrap();
        let child = Command::new(programs.join(program))
            .env_clear()
            .env("AWS_LAMBDA_RUNTIME_API", address)
            .env("AWS_LAMBDA_FUNCTION_NAME", program)
            .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256")
            .env("AWS_LAMBDA_FUNCTION_VERSION", "1")
            .env("AWS_REGION", "us-east-1")
            .env("AWS_ACCESS_KEY_ID", "test")
            .env("AWS_SECRET_ACCESS_KEY", "test")
            .env("AWS_ENDPOINT_URL_DYNAMODB", dynamodb)
            .env("AWS_ENDPOINT_URL_SQS", sqs)
            .env("EFFACE_TABLE", table)
            .env("EFFACE_QUEUE_URL", format!("{sqs}/000000000000/jobs"))
            .env("EFFACE_DEAD_LETTER_QUEUE_URL", format!("{sqs}/000000000000/dead"))
            .envs(downstream.variables(sqs))
            .stdin(Stdio::null())
            .stderr(log.try_clone().unwrap())
            .stdout(log)
            .spawn()
            .unwrap();
        Process { role, child, runtime, server }
    }

    /// Kills a process, where it is not dead yet, and starts a new one in its place.
    async fn replace(&mut self, at: usize) {
        let new = self.spawn(self.processes[at].role).await;
        let mut old = std::mem::replace(&mut self.processes[at], new);
        self.figures.peak = self.figures.peak.max(old.peak());
        old.end();
    }

    /// Replaces processes that ended by themselves or exceeded their timeout.
    pub(crate) async fn replace_failed(&mut self) {
        for at in 0..self.processes.len() {
            let process = &mut self.processes[at];
            let is_dead = process.child.try_wait().unwrap().is_some();
            let hangs = process.role != Role::Reconciler
                && process.runtime.busy().is_some_and(|busy| busy > TIMEOUT + Duration::from_secs(1));
            self.figures.deaths += usize::from(is_dead);
            self.figures.timeouts += usize::from(hangs);
            self.figures.peak = self.figures.peak.max(process.peak());
            if is_dead || hangs {
                self.replace(at).await;
            }
        }
    }

    /// Kills a random worker, if possible one during an invocation, and replaces it.
    pub(crate) async fn kill(&mut self) {
        let (at, is_busy) = self.victim(0..self.workers);
        self.figures.kills += 1;
        self.figures.busy += usize::from(is_busy);
        self.replace(at).await;
        if self.figures.kills.is_multiple_of(KILLS_PER_RECONCILER) {
            self.figures.reconcilers += 1;
            self.replace(self.workers).await;
        }
    }

    /// The same with a capture or publisher.
    pub(crate) async fn kill_downstream(&mut self) {
        let (at, is_busy) = self.victim(self.workers + 1..self.processes.len());
        self.figures.downstream += 1;
        self.figures.downstream_busy += usize::from(is_busy);
        self.replace(at).await;
    }

    /// A random one of these processes, of those during an invocation if there are such, and whether there were.
    fn victim(&self, of: Range<usize>) -> (usize, bool) {
        let busy: Vec<usize> = of.clone().filter(|at| self.processes[*at].runtime.busy().is_some()).collect();
        let at = if busy.is_empty() { fastrand::usize(of) } else { busy[fastrand::usize(..busy.len())] };
        (at, !busy.is_empty())
    }

    /// Errors in the logs, lines that are no log entries, and lines with a value: how many, and the first five.
    pub(crate) fn faults(&self) -> (usize, Vec<String>) {
        let mut faults = Vec::new();
        for file in fs::read_dir(&self.setting.logs).unwrap() {
            let text = String::from_utf8_lossy(&fs::read(file.unwrap().path()).unwrap()).into_owned();
            let is_fault = |line: &&str| {
                let is_error = line.contains(r#""level":"ERROR""#) && !line.contains(BATCH_AGAIN);
                let is_entry = line.starts_with('{') && !is_error;
                !line.is_empty() && (!is_entry || line.contains(VALUE_PREFIX))
            };
            faults.extend(text.lines().filter(is_fault).map(str::to_owned));
        }
        let total = faults.len();
        faults.truncate(5);
        (total, faults)
    }
}

impl Drop for Fleet {
    fn drop(&mut self) {
        self.processes.iter_mut().for_each(Process::end);
    }
}

impl Process {
    /// Kills the process with SIGKILL, so that it can neither finish nor respond.
    fn end(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
        self.runtime.end();
        self.server.abort();
    }

    /// The peak memory of a worker so far, in KiB; 0 for others.
    fn peak(&self) -> u64 {
        if !matches!(self.role, Role::Worker(_)) {
            return 0;
        }
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or_default();
        line.trim().trim_end_matches(" kB").parse().unwrap_or_default()
    }
}

/// Decides when to kill a worker: at random times, at a rate at which all kills happen before the work is done.
pub(crate) struct Killer {
    kills: usize,
    started: Instant,
    /// The estimated duration of the work, in seconds.
    estimate: f64,
    asked: Instant,
}

impl Killer {
    pub(crate) fn new(kills: usize, estimate: Duration) -> Self {
        Self { kills, started: Instant::now(), estimate: estimate.as_secs_f64(), asked: Instant::now() }
    }

    pub(crate) fn estimate(&self) -> Duration {
        Duration::from_secs_f64(self.estimate)
    }

    /// The work starts now.
    pub(crate) fn restart(&mut self) {
        (self.started, self.asked) = (Instant::now(), Instant::now());
    }

    /// Updates the estimate from the share of the work that is done.
    pub(crate) fn progress(&mut self, share: f64) {
        if share > 0.1 {
            self.estimate = self.started.elapsed().as_secs_f64() / share;
        }
    }

    /// Whether to kill a worker now. The times of kills are exponentially distributed, so that each moment is as likely as
    /// any other; the rate is the one that is needed for the kills that are left.
    pub(crate) fn is_due(&mut self, killed: usize) -> bool {
        let since = self.asked.elapsed().as_secs_f64();
        self.asked = Instant::now();
        let Some(kills) = self.kills.checked_sub(killed).filter(|kills| *kills > 0) else { return false };
        let left = self.estimate * (1.0 - SHARE_AFTER_LAST_KILL) - self.started.elapsed().as_secs_f64();
        let mean = (left / f64::from(u32::try_from(kills).unwrap())).max(LEAST_INTERVAL);
        fastrand::f64() < 1.0 - (-since / mean).exp()
    }
}

/// Creates an empty folder for the logs of a run.
pub(crate) fn logs(programs: &Path) -> PathBuf {
    let logs = programs.join("soak-logs");
    drop(fs::remove_dir_all(&logs));
    fs::create_dir_all(&logs).unwrap();
    drop(File::create(logs.join("worker-0.log")));
    logs
}
