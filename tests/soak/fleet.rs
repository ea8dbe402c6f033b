//! The processes: started, watched, killed at random, and started again at once.

use std::{
    fs::{self, File, OpenOptions},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::task::JoinHandle;

use crate::{
    broker::Broker,
    runtime::{Answers, Role, Runtime, TIMEOUT},
};

/// Of all kills, one in so many takes the reconciler along.
const RECONCILER_TOO: usize = 10;
/// Kills follow one another no faster: a process is to come to something before it dies.
const FASTEST: f64 = 0.3;
/// So much of the work shall be left when the last one has been killed.
const SPARED: f64 = 0.2;

/// What every process is given.
pub(crate) struct Setting {
    pub(crate) programs: PathBuf,
    pub(crate) logs: PathBuf,
    pub(crate) table: String,
    pub(crate) dynamodb: String,
    pub(crate) sqs: String,
}

/// What happened to processes so far.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Figures {
    /// Workers that were killed.
    pub(crate) kills: usize,
    /// Of these, with messages in their hands.
    pub(crate) busy: usize,
    pub(crate) reconcilers: usize,
    /// Processes that ended by themselves: none should.
    pub(crate) deaths: usize,
    /// Invocations that took too long: none should.
    pub(crate) timeouts: usize,
    /// The most memory that a worker ever held, in KiB.
    pub(crate) peak: u64,
}

/// All processes.
pub(crate) struct Fleet {
    setting: Setting,
    broker: Broker,
    answers: Arc<Answers>,
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
    pub(crate) async fn start(setting: Setting, broker: Broker, answers: Arc<Answers>, workers: usize) -> Self {
        let mut fleet = Self { setting, broker, answers, processes: Vec::new(), figures: Figures::default() };
        for role in (0..workers).map(Role::Worker).chain([Role::Reconciler]) {
            let process = fleet.spawn(role).await;
            fleet.processes.push(process);
        }
        fleet
    }

    async fn spawn(&self, role: Role) -> Process {
        let (program, log) = match role {
            Role::Worker(number) => ("efface-bulk-worker", format!("worker-{number}.log")),
            Role::Reconciler => ("efface-job-reconciler", "reconciler.log".to_owned()),
        };
        let (runtime, address, server) = Runtime::start(role, self.broker.clone(), Arc::clone(&self.answers)).await;
        let Setting { programs, logs, table, dynamodb, sqs } = &self.setting;
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
            .stdin(Stdio::null())
            .stderr(log.try_clone().unwrap())
            .stdout(log)
            .spawn()
            .unwrap();
        Process { role, child, runtime, server }
    }

    /// Puts a new process in the place of one that is dead, or is to be.
    async fn replace(&mut self, at: usize) {
        let new = self.spawn(self.processes[at].role).await;
        let mut old = std::mem::replace(&mut self.processes[at], new);
        self.figures.peak = self.figures.peak.max(old.peak());
        old.end();
    }

    /// Looks after processes that ended by themselves, or hang.
    pub(crate) async fn mind(&mut self) {
        for at in 0..self.processes.len() {
            let process = &mut self.processes[at];
            let is_dead = process.child.try_wait().unwrap().is_some();
            let hangs = matches!(process.role, Role::Worker(_))
                && process.runtime.busy().is_some_and(|busy| busy > TIMEOUT + Duration::from_secs(1));
            self.figures.deaths += usize::from(is_dead);
            self.figures.timeouts += usize::from(hangs);
            self.figures.peak = self.figures.peak.max(process.peak());
            if is_dead || hangs {
                self.replace(at).await;
            }
        }
    }

    /// Kills a worker, one that is at work where there is one.
    pub(crate) async fn kill(&mut self) {
        let workers = self.processes.len() - 1;
        let busy: Vec<usize> = (0..workers).filter(|at| self.processes[*at].runtime.busy().is_some()).collect();
        let at = if busy.is_empty() { fastrand::usize(..workers) } else { busy[fastrand::usize(..busy.len())] };
        self.figures.kills += 1;
        self.figures.busy += usize::from(!busy.is_empty());
        self.replace(at).await;
        if self.figures.kills.is_multiple_of(RECONCILER_TOO) {
            self.figures.reconcilers += 1;
            self.replace(workers).await;
        }
    }

    /// Lines of the logs that tell of a fault of ours: how many, and the first.
    pub(crate) fn faults(&self) -> (usize, Vec<String>) {
        let mut faults = Vec::new();
        for file in fs::read_dir(&self.setting.logs).unwrap() {
            let text = String::from_utf8_lossy(&fs::read(file.unwrap().path()).unwrap()).into_owned();
            let is_fault =
                |line: &&str| !line.is_empty() && (line.contains(r#""level":"ERROR""#) || !line.starts_with('{'));
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
    /// SIGKILL: nothing is flushed, nothing is answered.
    fn end(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
        self.runtime.end();
        self.server.abort();
    }

    /// The most memory that a worker held so far, in KiB.
    fn peak(&self) -> u64 {
        if self.role == Role::Reconciler {
            return 0;
        }
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or_default();
        line.trim().trim_end_matches(" kB").parse().unwrap_or_default()
    }
}

/// When to kill next: at random, on average so that all are killed before the work is done.
pub(crate) struct Killer {
    wanted: usize,
    started: Instant,
    /// How long the work will take, as far as is known.
    takes: f64,
    asked: Instant,
}

impl Killer {
    pub(crate) fn new(wanted: usize, takes: Duration) -> Self {
        Self { wanted, started: Instant::now(), takes: takes.as_secs_f64(), asked: Instant::now() }
    }

    /// The work begins now.
    pub(crate) fn restart(&mut self) {
        (self.started, self.asked) = (Instant::now(), Instant::now());
    }

    /// How much of the work is done tells how long it will take.
    pub(crate) fn progress(&mut self, share: f64) {
        if share > 0.1 {
            self.takes = self.started.elapsed().as_secs_f64() / share;
        }
    }

    /// Whether to kill now: as likely at any moment as any other, at the rate that is needed from now on.
    pub(crate) fn is_due(&mut self, killed: usize) -> bool {
        let since = self.asked.elapsed().as_secs_f64();
        self.asked = Instant::now();
        let Some(wanted) = self.wanted.checked_sub(killed).filter(|wanted| *wanted > 0) else { return false };
        let left = self.takes * (1.0 - SPARED) - self.started.elapsed().as_secs_f64();
        let mean = (left / f64::from(u32::try_from(wanted).unwrap())).max(FASTEST);
        fastrand::f64() < 1.0 - (-since / mean).exp()
    }
}

/// An empty folder for the logs of a run.
pub(crate) fn logs(programs: &Path) -> PathBuf {
    let logs = programs.join("soak-logs");
    drop(fs::remove_dir_all(&logs));
    fs::create_dir_all(&logs).unwrap();
    drop(File::create(logs.join("worker-0.log")));
    logs
}
