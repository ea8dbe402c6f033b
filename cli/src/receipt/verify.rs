//! `efface receipt verify`: what receipts prove, without the API.

use std::{
    io::{self, Read},
    path::{Path, PathBuf},
};

use clap::Args;
use efface_core::{
    identifier::ExternalId,
    journal::EventKind,
    log::{
        receipt::{MAX_RECEIPT_BYTES, Receipt, ReceiptError},
        verify::{Expected, verify},
    },
};
use serde_json::{Value, json};

use super::{verified::Verified, words};
use crate::{CliError, Output, exit, log::Keys, output::printable, selector, stdin::STDIN, whole_file};

const AFTER_HELP: &str = "\
Needs no network, no token and no setting. A receipt holds if its entry is in the log of which it has the checkpoint, if one
of the keys has signed that checkpoint, and, with --identifier, if the entry is about that identifier. The value is compared
by the rule that is in the entry, so give it as the person writes it. What is not proved is said, too.
The key must come from somewhere else than the receipt, and not from the API alone: who writes the log could sign another
one with another key. Compare it with what the operator has published where others see it, or take it from a contract.
Other users of this machine can see the command line. With `--identifier -`, the identifier comes from standard input, as
one line TYPE:VALUE.

Example:
  efface receipt verify receipt.txt --key log.key --identifier email:example@gmail.com
  efface receipt verify receipts/*.txt --key log.key --event identifier.removed

Exit codes:
  0    every receipt holds
  1    a receipt does not hold; the first thing that is wrong with each is named
  2    the command line, the key or a file cannot be read; nothing was verified
  130  stopped by Ctrl-C; 143: by SIGTERM";

/// The options of `efface receipt verify`.
#[derive(Args)]
#[command(after_help = AFTER_HELP)]
pub struct VerifyReceipts {
    /// The receipts; `-` is standard input
    #[arg(required = true)]
    file: Vec<PathBuf>,
    /// A verifier key, or a file with one a line. It may be given several times
    #[arg(long, value_name = "KEY", required = true)]
    key: Vec<String>,
    /// The identifier that each receipt must be for; `-` is standard input
    #[arg(long, value_name = "TYPE:VALUE")]
    identifier: Option<String>,
    /// What each receipt must be for, such as identifier.removed or job.completed
    #[arg(long, value_name = "EVENT", value_parser = str::parse::<EventKind>)]
    event: Option<EventKind>,
}

/// A file, and what it proves or what is wrong with it.
struct Checked {
    file: String,
    result: Result<Verified, String>,
}

pub(super) async fn run(options: &VerifyReceipts) -> Result<Output, CliError> {
    let keys = Keys::read(&options.key)?;
    let from_stdin = options.file.iter().filter(|file| is_stdin(file)).count();
    let identifier = match options.identifier.as_deref() {
        Some(STDIN) if from_stdin > 0 => {
            let reason = "standard input can be a receipt or the identifier, not both";
            return Err(CliError::BadIdentifier(reason.to_owned()));
        }
        Some(argument) => Some(selector::read(argument).await?),
        None => None,
    };
    let check = |file: &PathBuf| {
        let bytes = read(file)?;
        let result = holds(&bytes, &keys, options.event.as_ref(), identifier.as_ref());
        Ok(Checked { file: printable(&file.to_string_lossy()), result: result.map_err(|fault| printable(&fault)) })
    };
    let checked = options.file.iter().map(check).collect::<Result<Vec<_>, CliError>>()?;
    Ok(output(&checked))
}

fn is_stdin(file: &Path) -> bool {
    file == Path::new(STDIN)
}

/// Reads as much of a file as a receipt can have, and one byte more.
fn read(file: &Path) -> Result<Vec<u8>, CliError> {
    let fail = |source| CliError::File { path: file.to_owned(), source };
    if !is_stdin(file) {
        return whole_file::read_up_to(file, MAX_RECEIPT_BYTES)?.ok_or_else(|| fail(io::ErrorKind::NotFound.into()));
    }
    let mut bytes = Vec::new();
    io::stdin().lock().take(MAX_RECEIPT_BYTES as u64 + 1).read_to_end(&mut bytes).map_err(fail)?;
    Ok(bytes)
}

/// What the bytes of a receipt prove, or the first thing that does not hold.
fn holds(
    bytes: &[u8],
    keys: &Keys,
    event: Option<&EventKind>,
    identifier: Option<&ExternalId>,
) -> Result<Verified, String> {
    if bytes.len() > MAX_RECEIPT_BYTES {
        return Err(format!("it is no receipt: it has more than {MAX_RECEIPT_BYTES} bytes"));
    }
    let text = str::from_utf8(bytes).map_err(|_| "it is no receipt: it is not a text".to_owned())?;
    let receipt: Receipt = text.parse().map_err(|error| not_a_receipt(text, &error))?;
    let (_, key) = keys.open(&receipt.checkpoint).map_err(|error| error.to_string())?;
    let expected = event.map_or(Expected::AnyEvent, |event| Expected::Event(event.as_str()));
    let proved = verify(&receipt, key, expected, identifier).map_err(|fault| fault.to_string())?;
    Ok(Verified::of(&proved, key))
}

fn not_a_receipt(text: &str, error: &ReceiptError) -> String {
    let hint = if text.contains('\r') || text.starts_with('\u{feff}') {
        "; it has Windows line ends or a byte order mark, so something has changed it on its way: ask for it as a file"
    } else if text.lines().next().is_some_and(|line| line.trim() == "c2sp.org/tlog-proof@v1") {
        "; it was changed, or cut off"
    } else {
        ""
    };
    format!("it is no receipt: {error}{hint}")
}

fn output(checked: &[Checked]) -> Output {
    let holds = checked.iter().all(|one| one.result.is_ok());
    let mut parts: Vec<String> = checked.iter().map(Checked::text).collect();
    // What is the same of all is said once.
    parts.extend(checked.iter().any(|one| one.result.is_ok()).then(words::of_all));
    let receipts: Vec<Value> = checked.iter().map(Checked::json).collect();
    let exit = if holds { 0 } else { exit::FAILED };
    Output { text: parts.join("\n\n"), json: json!({"holds": holds, "receipts": receipts}), exit }
}

impl Checked {
    fn text(&self) -> String {
        match &self.result {
            Ok(verified) => format!("{}: {}", self.file, verified.text()),
            Err(fault) => format!("{}: DOES NOT HOLD: {fault}", self.file),
        }
    }

    fn json(&self) -> Value {
        let mut json = match &self.result {
            Ok(verified) => verified.json(),
            Err(fault) => json!({"holds": false, "fault": fault}),
        };
        json["file"] = self.file.clone().into();
        json
    }
}
