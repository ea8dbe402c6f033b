//! The ZIP archive in which Lambda gets a function: one executable file, `bootstrap`.

use std::io::{Cursor, Write};

use zip::{CompressionMethod, ZipWriter, result::ZipResult, write::SimpleFileOptions};

/// Makes an archive with the content as the file `bootstrap`. The same content makes the same archive.
pub(crate) fn bootstrap(content: &str) -> ZipResult<Vec<u8>> {
    let options = SimpleFileOptions::default().compression_method(CompressionMethod::Stored).unix_permissions(0o755);
    let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
    archive.start_file("bootstrap", options)?;
    archive.write_all(content.as_bytes())?;
    Ok(archive.finish()?.into_inner())
}

#[cfg(test)]
mod tests {
    use zip::ZipArchive;

    use super::*;

    #[test]
    fn the_archive_has_one_executable() {
        let mut archive = ZipArchive::new(Cursor::new(bootstrap("#!/bin/sh\n").unwrap())).unwrap();
        assert_eq!(archive.len(), 1);
        let file = archive.by_name("bootstrap").unwrap();
        assert_eq!(file.unix_mode(), Some(0o100_755));
        assert_eq!(std::io::read_to_string(file).unwrap(), "#!/bin/sh\n");
    }
}
