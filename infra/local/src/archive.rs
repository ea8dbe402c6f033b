//! The archive that a function is given to Lambda in: one file, called `bootstrap`, stored as it is.

const NAME: &[u8; 9] = b"bootstrap";
const NAME_LENGTH: [u8; 2] = [9, 0];
/// Version 2.0, no flags, stored; midnight of 1 January 1980, so that the same file makes the same archive.
const STORED: [u8; 10] = [20, 0, 0, 0, 0, 0, 0, 0, 33, 0];
/// A file that everyone may run, as Unix writes it.
const MODE: u32 = 0o100_755 << 16;

/// A zip archive of an executable `bootstrap`.
pub(crate) fn bootstrap(content: &str) -> Vec<u8> {
    let size = length(content.as_bytes());
    let entry = [&STORED, crc32fast::hash(content.as_bytes()).to_le_bytes().as_slice(), &size, &size].concat();
    let file = [b"PK\x03\x04", entry.as_slice(), &NAME_LENGTH, &[0; 2], NAME, content.as_bytes()].concat();
    let made_by_unix = [20, 3];
    let rest = [&[0; 8], MODE.to_le_bytes().as_slice(), &[0; 4], NAME].concat();
    let directory = [b"PK\x01\x02", made_by_unix.as_slice(), &entry, &NAME_LENGTH, &rest].concat();
    let one_of_one = [0, 0, 0, 0, 1, 0, 1, 0];
    let end = [b"PK\x05\x06", one_of_one.as_slice(), &length(&directory), &length(&file), &[0; 2]].concat();
    [file, directory, end].concat()
}

fn length(bytes: &[u8]) -> [u8; 4] {
    u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_le_bytes()
}

#[cfg(test)]
mod tests {
    use std::{fs, process::Command};

    use super::*;

    /// Python's reader, because the emulator uses it.
    #[test]
    fn the_archive_holds_an_executable() {
        let path = std::env::temp_dir().join(format!("efface-archive-{}.zip", std::process::id()));
        fs::write(&path, bootstrap("#!/bin/sh\nexec true\n")).unwrap();
        let script = "import sys, zipfile\nz = zipfile.ZipFile(sys.argv[1])\nassert z.testzip() is None\n\
            i, = z.infolist()\nprint(i.filename, oct(i.external_attr >> 16), z.read(i))";
        let output = Command::new("python3").args(["-c", script]).arg(&path).output();
        fs::remove_file(&path).unwrap();
        // `cargo test` needs no Python; the start of `cargo local` checks the same.
        let Ok(output) = output else { return };
        assert_eq!(
            String::from_utf8_lossy(&output.stdout),
            "bootstrap 0o100755 b'#!/bin/sh\\nexec true\\n'\n",
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
    }
}
