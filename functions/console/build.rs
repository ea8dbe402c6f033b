//! Compresses the built files of the console, so that the function does no work when it starts, and names each state of them.

use std::{
    env, fs,
    io::{self, Write},
    path::Path,
};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use flate2::{Compression, write::GzEncoder};
use sha2::{Digest, Sha256};

/// The files that the function serves.
const FILES: [&str; 5] = ["index.html", "console.js", "console.css", "icon.svg", "licences.txt"];

fn main() -> io::Result<()> {
    let output = env::var("OUT_DIR").map_err(io::Error::other)?;
    for name in FILES {
        let path = Path::new("web/dist").join(name);
        println!("cargo::rerun-if-changed={}", path.display());
        let content = fs::read(&path).map_err(|error| {
            io::Error::other(format!("{}: {error}; `npm run build` in web/ makes it", path.display()))
        })?;
        let mut gzip = GzEncoder::new(Vec::new(), Compression::best());
        gzip.write_all(&content)?;
        fs::write(Path::new(&output).join(format!("{name}.gz")), gzip.finish()?)?;
        let digest = URL_SAFE_NO_PAD.encode(&Sha256::digest(&content)[..16]);
        fs::write(Path::new(&output).join(format!("{name}.etag")), digest)?;
    }
    Ok(())
}
