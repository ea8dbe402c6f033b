//! Cold start: the time from the start of the process to its first poll of the Runtime API, and the size of the binary.

use std::{
    env,
    io::{Read, Write},
    net::TcpListener,
    path::PathBuf,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use efface_tests::{TestStore, store::TABLE};

use crate::{quantile, row};

/// Measured starts.
const STARTS: usize = 30;

/// Starts the release binary repeatedly against a store in this process.
pub(crate) fn run() {
    let binary = build();
    #[expect(clippy::cast_precision_loss, reason = "a few million bytes")]
    let megabytes = binary.metadata().unwrap().len() as f64 / 1e6;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let store = runtime.block_on(TestStore::start());
    let mut starts: Vec<(f64, f64)> = (0..STARTS).map(|_| start(&binary, &store)).collect();
    let mut total: Vec<f64> = starts.iter().map(|(total, _)| *total).collect();
    let mut without_warming: Vec<f64> = starts.iter_mut().map(|(total, warming)| *total - *warming).collect();
    row("process start to first poll, p50 (ms)", &format!("{:.1}", quantile(&mut total, 0.5)), "");
    row("the same without the warming call, p50 (ms)", &format!("{:.1}", quantile(&mut without_warming, 0.5)), "≤ 15");
    row("binary, stripped (MB)", &format!("{megabytes:.1}"), "≤ 6");
}

fn build() -> PathBuf {
    let cargo = env::var("CARGO").unwrap();
    let built = Command::new(&cargo).args(["build", "--release", "--quiet", "-p", "efface-api"]).status().unwrap();
    assert!(built.success());
    // …/release/deps/deletion-0123: two folders up is where binaries are.
    let release = env::current_exe().unwrap().parent().unwrap().parent().unwrap().to_owned();
    release.join("efface-api")
}

/// Starts the binary once. Returns the milliseconds to the first poll, and how many of them its store requests took.
fn start(binary: &PathBuf, store: &TestStore) -> (f64, f64) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let runtime_api = listener.local_addr().unwrap().to_string();
    store.proxy.take();
    let started = Instant::now();
    let mut process = Command::new(binary)
        .env_clear()
        .envs([
            ("AWS_LAMBDA_RUNTIME_API", runtime_api.as_str()),
            ("AWS_LAMBDA_FUNCTION_NAME", "efface-api"),
            ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "512"),
            ("AWS_LAMBDA_FUNCTION_VERSION", "1"),
            ("AWS_LAMBDA_LOG_STREAM_NAME", "bench"),
            ("AWS_LAMBDA_LOG_GROUP_NAME", "bench"),
            ("AWS_REGION", "us-east-1"),
            ("AWS_ACCESS_KEY_ID", "test"),
            ("AWS_SECRET_ACCESS_KEY", "test"),
            ("AWS_ENDPOINT_URL", store.proxy.url.as_str()),
            ("EFFACE_TABLE", TABLE),
            ("EFFACE_QUEUE_URL", "http://127.0.0.1/queue"),
            ("EFFACE_IDENTIFIER_KEY", "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc="),
            ("EFFACE_LOG_KEY", "CAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAg="),
        ])
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let (mut poll, _) = listener.accept().unwrap();
    let mut request = [0; 64];
    let read = poll.read(&mut request).unwrap();
    let total = started.elapsed();
    assert!(String::from_utf8_lossy(&request[..read]).contains("/invocation/next"));
    let _ = poll.write_all(b"HTTP/1.1 500 Internal Server Error\r\ncontent-length: 0\r\n\r\n");
    process.kill().unwrap();
    process.wait().unwrap();
    let warming: Duration = store.proxy.take().iter().map(|passed| passed.span.1 - passed.span.0).sum();
    (total.as_secs_f64() * 1e3, warming.as_secs_f64() * 1e3)
}
