//! `efface receipt verify`: what receipts prove, and that every change of one is found, by us and by others.

use std::{path::Path, process::Command};

use efface_cli::{CliError, Output};
use efface_core::log::receipt::{MAX_RECEIPT_BYTES, Receipt};
use serde_json::json;
use signed_note::{StandardVerifier, VerifierList};

use crate::{
    efface,
    fake_api::FakeApi,
    fake_log::{FakeLog, ORIGIN, key, key_pair, removed},
};

const ADDRESS: &str = "Ada@example.com";

/// A log with a deletion among other entries, and the receipt for it.
fn log_and_receipt() -> (FakeLog, Receipt) {
    let (leaf, nonce) = removed(9, ADDRESS);
    let mut entries = FakeLog::numbered(0, 300);
    entries[200] = leaf;
    let log = FakeLog::of(entries);
    let receipt = log.receipt(200, Some(nonce));
    (log, receipt)
}

/// The receipt for a log's only entry.
fn receipt_for(leaf: &str) -> String {
    FakeLog::of(vec![leaf.to_owned()]).receipt(0, None).to_string()
}

async fn verify(api: &FakeApi, files: &[&str], more: &[&str]) -> Result<Output, CliError> {
    let key = key();
    api.run(&[&["receipt", "verify"], files, &["--key", &key], more].concat()).await
}

/// What is wrong with a receipt.
async fn fault(api: &FakeApi, receipt: impl AsRef<[u8]>, more: &[&str]) -> String {
    let file = api.file("changed.txt", receipt);
    let output = verify(api, &[&file], more).await.unwrap();
    assert_eq!((output.exit, &output.json["holds"]), (1, &json!(false)), "{}", output.text);
    assert!(output.text.contains("DOES NOT HOLD: "), "{}", output.text);
    output.json["receipts"][0]["fault"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_receipt_says_what_it_proves_and_what_not() {
    let (api, (_, receipt)) = (FakeApi::start().await, log_and_receipt());
    let file = api.file("receipt.txt", receipt.to_string());
    let keys = api.file("log.key", format!("# a comment\r\n{}\r\n", key()));
    for key in [key(), keys] {
        for value in [ADDRESS, "ada@example.com", "ADA@EXAMPLE.COM"] {
            let identifier = format!("email:{value}");
            let line = ["receipt", "verify", &file, "--key", &key, "--identifier", &identifier];
            let output = api.run(&line).await.unwrap();
            assert_eq!(output.exit, 0, "{}", output.text);
            for text in
                ["receipt.txt: holds.", "identifier.removed", "about the email that you gave", "not come back later"]
            {
                assert!(output.text.contains(text), "{text}: {}", output.text);
            }
            assert!(output.text.contains("not from who gave you the receipt, and not"), "{}", output.text);
            let receipt = &output.json["receipts"][0];
            assert_eq!((&receipt["identifier"], &receipt["log"]["size"]), (&json!("verified"), &json!(300)));
            assert_eq!((&receipt["log"]["origin"], &receipt["leaf"]["token_id"]), (&json!(ORIGIN), &json!("tok_1")));
        }
    }
    let output = verify(&api, &[&file], &["--event", "identifier.removed"]).await.unwrap();
    assert_eq!((output.exit, &output.json["receipts"][0]["identifier"]), (0, &json!("not_checked")));
    assert!(output.text.contains("no value was checked. Give --identifier email:VALUE"), "{}", output.text);
    assert!(api.lines().is_empty(), "nothing is sent");
}

#[tokio::test]
async fn the_first_thing_that_does_not_hold_is_named() {
    let (api, (_, receipt)) = (FakeApi::start().await, log_and_receipt());
    let text = receipt.to_string();
    for (more, named) in [
        (&["--identifier", "email:eve@example.com"][..], "about another identifier of this type"),
        (&["--identifier", "phone:7"], "of type email, not phone"),
        (&["--event", "identifier.created"], "about the event identifier.removed, not identifier.created"),
    ] {
        let fault = fault(&api, &text, more).await;
        assert!(fault.contains(named), "{fault}");
    }
    let file = api.file("receipt.txt", &text);
    let other = key_pair(2).1.to_string();
    let output = api.run(&["receipt", "verify", &file, "--key", &other]).await.unwrap();
    assert!(output.text.contains("is not signed by the key log.example.com"), "{}", output.text);
    // Of several keys, one has signed.
    let output = api.run(&["receipt", "verify", &file, "--key", &other, "--key", &key()]).await.unwrap();
    assert_eq!(output.exit, 0, "{}", output.text);
    // One bad receipt among good ones is enough.
    let bad = api.file("bad.txt", text.replace("index 200", "index 201"));
    let output = verify(&api, &[&file, &bad, &file], &[]).await.unwrap();
    assert_eq!((output.exit, output.text.matches("holds.").count()), (1, 2), "{}", output.text);
    assert_eq!(output.text.matches("All of this holds if").count(), 1);
}

#[tokio::test]
async fn entries_of_every_kind_are_told_apart() {
    let api = FakeApi::start().await;
    let leaf = |rest: &str| format!(r#"{{"v":1,"time":"2026-01-01T00:00:00.000Z","space":"spa_demo",{rest}}}"#);
    for (rest, kind, told, with_identifier) in [
        (
            r#""event":"identifier.removed","id_type":"email","subject":"BwcH","subject_kind":"keyed""#,
            "keyed",
            "Only the operator can tie it to a value",
            "only the operator can tie it to a value",
        ),
        (
            r#""event":"profile.deleted","subject":"BwcH","subject_kind":"profile""#,
            "profile",
            "a profile by a hash of its id",
            "not about an identifier",
        ),
        (
            r#""event":"job.completed","counts":{"deleted":3}"#,
            "none",
            "This is a receipt for an event of a job",
            "not about",
        ),
        (r#""event":"identifier.created""#, "none", "This is NO receipt for a deletion", "not about an identifier"),
    ] {
        let receipt = receipt_for(&leaf(rest));
        let file = api.file("receipt.txt", &receipt);
        let output = verify(&api, &[&file], &[]).await.unwrap();
        assert_eq!((output.exit, &output.json["receipts"][0]["identifier"]), (0, &json!(kind)), "{}", output.text);
        assert!(output.text.contains(told), "{}", output.text);
        let fault = fault(&api, &receipt, &["--identifier", "email:a"]).await;
        assert!(fault.contains(with_identifier), "{fault}");
    }
    let fault = fault(&api, receipt_for("no JSON"), &[]).await;
    assert!(fault.contains("not JSON of the form"), "{fault}");
}

#[tokio::test]
async fn hostile_files_are_no_receipts() {
    let (api, (_, receipt)) = (FakeApi::start().await, log_and_receipt());
    let text = receipt.to_string();
    for (bytes, named) in [
        (Vec::new(), "the first line is not"),
        (vec![0xff, 0xfe, 0], "it is not a text"),
        (b"\x1b]0;title\x07".to_vec(), "the first line is not"),
        (text.replace('\n', "\r\n").into_bytes(), "Windows line ends"),
        (format!("\u{feff}{text}").into_bytes(), "byte order mark"),
        (text.as_bytes()[..text.len() - 1].to_vec(), "changed, or cut off"),
        (text.as_bytes()[..40].to_vec(), "changed, or cut off"),
        (format!("{text}{text}").into_bytes(), "the signature of log.example.com"),
        (format!("{text}\n").into_bytes(), "changed, or cut off"),
        (vec![b'\n'; MAX_RECEIPT_BYTES + 1], "more than"),
        (vec![b'x'; 40_000_000], "more than"),
    ] {
        let fault = fault(&api, bytes, &[]).await;
        assert!(fault.contains(named) && !fault.contains('\u{1b}'), "{fault}");
    }
    let file = api.file("receipt.txt", &text);
    for line in [
        &["receipt", "verify", "no/such/file", "--key", &key()][..],
        &["receipt", "verify", &api.path(""), "--key", &key()],
        &["receipt", "verify", &file, "--key", "no/such/key"],
        &["receipt", "verify", &file, "--key", &key(), "--identifier", "no colon"],
        &["receipt", "verify", "-", "--key", &key(), "--identifier", "-"],
    ] {
        assert_eq!(api.run(line).await.unwrap_err().exit_code(), 2, "{line:?}");
    }
}

/// A value of 2,048 bytes, of which each character has two forms or is more than one unit.
#[tokio::test]
async fn any_value_is_tied_to_its_entry() {
    let api = FakeApi::start().await;
    let longest = "Ü\u{1f9d1}é\u{301}:ß".repeat(157) + "seven b";
    assert_eq!(longest.len(), 2_048);
    for value in [longest, "a b\t\"\\".repeat(3), "\u{202e}x".to_owned()] {
        let (leaf, nonce) = removed(3, &value);
        let file = api.file("receipt.txt", FakeLog::of(vec![leaf]).receipt(0, Some(nonce)).to_string());
        let output = verify(&api, &[&file], &["--identifier", &format!("email:{value}")]).await.unwrap();
        assert_eq!(output.exit, 0, "{}", output.text);
        assert!(!output.text.contains(&value) && !output.json.to_string().contains(&value), "values are not shown");
    }
}

#[tokio::test]
async fn a_receipt_can_come_from_standard_input() {
    let (api, (_, receipt)) = (FakeApi::start().await, log_and_receipt());
    let text: &'static str = receipt.to_string().leak();
    let run = efface(&["receipt", "verify", "-", "--key", &key()], api.settings(), text).await;
    assert_eq!(run.status.code(), Some(0), "{run:?}");
    let run = efface(&["receipt", "verify", "-", "--key", &key()], api.settings(), &text[1..]).await;
    assert_eq!(run.status.code(), Some(1), "{run:?}");
}

/// A file for each byte of a receipt, in which one bit of that byte is changed.
fn changed(api: &FakeApi, receipt: &str) -> Vec<String> {
    let change = |at: usize| {
        let mut bytes = receipt.as_bytes().to_vec();
        bytes[at] ^= 1 << (at % 8);
        api.file(&format!("changed-{at}.txt"), bytes)
    };
    (0..receipt.len()).map(change).collect()
}

#[tokio::test]
async fn a_change_of_any_byte_is_found() {
    let (api, (_, receipt)) = (FakeApi::start().await, log_and_receipt());
    let files = changed(&api, &receipt.to_string());
    let paths: Vec<&str> = files.iter().map(String::as_str).collect();
    let output = verify(&api, &paths, &["--identifier", &format!("email:{ADDRESS}")]).await.unwrap();
    let results = output.json["receipts"].as_array().unwrap();
    assert!(results.len() > 1_000, "{}", results.len());
    for (result, path) in results.iter().zip(&paths) {
        assert_eq!((&result["holds"], result["file"].as_str()), (&json!(false), Some(*path)), "{result}");
    }
}

/// The script of the documentation, which has nothing in common with this program.
fn script(arguments: &[&str]) -> (Option<i32>, Vec<String>) {
    let run = |command: &mut Command, name: &str| {
        let run = command.output();
        assert!(run.is_ok(), "this test needs the command `{name}`: install it ({run:?})");
        run.unwrap()
    };
    let version = run(Command::new("openssl").arg("version"), "openssl").stdout;
    let version = String::from_utf8_lossy(&version).into_owned();
    assert!(!version.starts_with("OpenSSL 1.") && !version.starts_with("LibreSSL"), "openssl is too old: {version}");
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/verify_receipt.py");
    let run = run(Command::new("python3").arg(script).args(arguments), "python3");
    assert!(run.stderr.is_empty(), "{}", String::from_utf8_lossy(&run.stderr));
    (run.status.code(), String::from_utf8(run.stdout).unwrap().lines().map(str::to_owned).collect())
}

#[tokio::test]
async fn the_script_of_the_documentation_verifies_receipts_and_finds_changes() {
    let (api, (_, receipt)) = (FakeApi::start().await, log_and_receipt());
    let (key, text) = (key(), receipt.to_string());
    let good = api.file("receipt.txt", &text);
    let key_file = api.file("log.key", format!("# the key\n{key}\n"));
    // As `efface log key` prints them after the signing key was replaced.
    let key_files = api.file("log.keys", format!("# the old one\n{}\n# the new one\n{key}\n", key_pair(2).1));
    for key in [&key, &key_file, &key_files] {
        let (code, lines) = script(&["--key", key, "--identifier", "email:ADA@example.com", &good]);
        assert_eq!(code, Some(0), "{lines:?}");
        assert!(
            lines[0].contains("holds: entry 200 of 300 in log.example.com/0b7c/spa_demo: identifier.removed at"),
            "{lines:?}"
        );
    }
    for more in [&["--identifier", "email:eve@example.com"][..], &["--identifier", "phone:7"]] {
        let (code, lines) = script(&[&["--key", &key], more, &[&good]].concat());
        assert_eq!((code, lines[0].contains("DOES NOT HOLD: ")), (Some(1), true), "{lines:?}");
    }
    assert_eq!(script(&["--key", &key_pair(2).1.to_string(), &good]).0, Some(1));
    // Every place in logs of other sizes: the proofs have other forms.
    let files: Vec<String> = (1..=9)
        .flat_map(|size| (0..size).map(move |index| (size, index)))
        .map(|(size, index)| {
            let entries = (0..size).map(|n| removed(n, ADDRESS).0).collect();
            let receipt = FakeLog::of(entries).receipt(index.into(), Some(removed(index, ADDRESS).1));
            api.file(&format!("{size}-{index}.txt"), receipt.to_string())
        })
        .collect();
    let files: Vec<&str> = files.iter().map(String::as_str).collect();
    let (code, lines) = script(&[&["--key", &key, "--identifier", "email:ada@example.com"], &files[..]].concat());
    assert_eq!((code, lines.len()), (Some(0), 45), "{lines:?}");
    let files = changed(&api, &text);
    let files: Vec<&str> = files.iter().map(String::as_str).collect();
    let (code, lines) = script(&[&["--key", &key, "--identifier", "email:ada@example.com"], &files[..]].concat());
    assert_eq!((code, lines.len()), (Some(1), files.len()));
    for line in &lines {
        assert!(line.contains(": DOES NOT HOLD: "), "{line}");
    }
}

#[tokio::test]
async fn crates_of_others_verify_receipts() {
    let (log, receipt) = log_and_receipt();
    let text = receipt.to_string();
    // The format as its specification has it: no code of ours reads it here.
    let (head, note) = text.split_once("\n\n").unwrap();
    let note = signed_note::Note::from_bytes(note.as_bytes()).unwrap();
    let verifier = StandardVerifier::new(&key()).unwrap();
    assert!(note.verify(&VerifierList::new(vec![Box::new(verifier)])).is_ok());
    let checkpoint = tlog_tiles::Checkpoint::from_bytes(note.text()).unwrap();
    let proof: Vec<tlog_tiles::Hash> =
        head.lines().skip(3).map(|line| tlog_tiles::Hash::parse_hash(line).unwrap()).collect();
    let leaf = tlog_tiles::Hash(*log.leaf_hash(200).as_bytes());
    let check = |index| tlog_tiles::check_record(&proof, checkpoint.size(), *checkpoint.hash(), index, leaf);
    assert!(check(200).is_ok() && check(201).is_err());
}
