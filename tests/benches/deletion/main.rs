//! Benchmarks: the cost of a deletion beyond that of the SDK and the store, and the cost of a cold start. `cargo bench`
//! prints a table; `docs/performance.md` explains it and lists measured figures.
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a benchmark that cannot go on must fail, and it prints its results"
)]

mod cpu;
mod jobs;
mod latency;
mod start;

fn main() {
    // `cargo test --benches` runs this without `--bench`; there it does nothing.
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    println!("{:<62} {:>10} {:>10}", "figure", "measured", "goal");
    cpu::run();
    jobs::run();
    latency::run();
    start::run();
}

/// Prints one row of the table.
fn row(figure: &str, measured: &str, goal: &str) {
    println!("{figure:<62} {measured:>10} {goal:>10}");
}

/// The value below which the given share of the values lies.
fn quantile(values: &mut [f64], share: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_sign_loss,
        clippy::cast_possible_truncation,
        reason = "an index"
    )]
    let at = ((values.len() - 1) as f64 * share).round() as usize;
    values[at]
}
