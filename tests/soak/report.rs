//! What the soak prints about its requests, messages and processes.

use std::sync::atomic::Ordering;

use efface_core::job::{Counts, Outcome};

use crate::{Run, fleet, queue};

/// Requests by operation.
type Requests = [(&'static str, u64)];

impl Run<'_> {
    /// Prints the faults of the first run and its requests per row.
    pub(crate) fn report_faults(&self) {
        let requests = self.traffic.requests();
        println!("{}", requests_per("row", &requests, &[], self.args.rows));
        let total: u64 = requests.iter().map(|(_, n)| n).sum();
        let [throttled, lost, partial] =
            [&self.traffic.throttled, &self.traffic.lost, &self.traffic.partial].map(|n| n.load(Ordering::Relaxed));
        println!(
            "{total} requests: {throttled} throttled, {lost} replies lost after the commit, {partial} batches processed in part"
        );
        let queue::Figures { sent, delivered, duplicated, failed, expired, dead, rejected } = self.queue.figures();
        println!(
            "{sent} messages sent, {rejected} rejected at first; {delivered} deliveries, {duplicated} to two workers, \
             {failed} failed or with a killed worker, {expired} delivered again, {dead} dead"
        );
        let fleet::Figures { kills, busy, reconcilers, peak, .. } = self.fleet.figures;
        println!(
            "{kills} workers killed, {busy} of them during an invocation, and {reconcilers} reconcilers; a worker's peak: {} MiB",
            peak / 1_024
        );
    }

    /// Adds the faults of the processes and returns all faults.
    pub(crate) fn finish(mut self) -> Vec<String> {
        let fleet::Figures { deaths, timeouts, peak, .. } = self.fleet.figures;
        println!("a worker's peak over all runs: {} MiB", peak / 1_024);
        if deaths + timeouts > 0 {
            self.faults
                .push(format!("{deaths} processes ended by themselves, {timeouts} invocations exceeded their timeout"));
        }
        self.faults.extend(self.invocations.errors.lock().unwrap().iter().cloned());
        let (total, first) = self.fleet.faults();
        if total > 0 {
            self.faults.push(format!("{total} errors in the logs, such as:"));
            self.faults.extend(first);
        }
        println!("{} invocations", self.invocations.total.load(Ordering::Relaxed));
        self.faults
    }
}

/// The requests since others, divided by the number of what they were for.
pub(crate) fn requests_per(what: &str, requests: &Requests, before: &Requests, number: usize) -> String {
    let before = |name| before.iter().find(|(other, _)| *other == name).map_or(0, |(_, n)| *n);
    let since: Vec<(&str, u64)> = requests.iter().map(|(name, n)| (*name, n - before(*name))).collect();
    let number = f64::from(u32::try_from(number).unwrap());
    let each = |n: u64| f64::from(u32::try_from(n).unwrap()) / number;
    let total = each(since.iter().map(|(_, n)| n).sum());
    let parts: Vec<String> = since.into_iter().map(|(name, n)| format!("{name} {:.3}", each(n))).collect();
    format!("requests per {what}: {total:.2} ({})", parts.join(", "))
}

pub(crate) fn shown(counts: Counts) -> String {
    Outcome::ALL.map(|outcome| format!("{} {}", outcome.as_str(), counts.of(outcome))).join(", ")
}
