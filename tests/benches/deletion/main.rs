//! What a deletion costs beyond what the SDK and the store do anyway, and what a start costs. `cargo bench` prints a
//! table; how to read it, and figures that were measured, are in `docs/performance.md`.
#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a bench that can't go on says so, and prints")]

mod cpu;
mod jobs;
mod latency;
mod start;

fn main() {
    // `cargo test --benches` would run this, too: there it only has to compile.
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    println!("{:<62} {:>10} {:>10}", "figure", "measured", "goal");
    cpu::run();
    jobs::run();
    latency::run();
    start::run();
}

/// One row of the table.
fn row(figure: &str, measured: &str, goal: &str) {
    println!("{figure:<62} {measured:>10} {goal:>10}");
}

/// The value below which a share of the values lies.
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
