//! The endpoints of the audit log: receipts, searches, and the files of the log.

mod contract;
mod costs;
mod files;
mod job_receipts;
mod receipts;
mod search;
