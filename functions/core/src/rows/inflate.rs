//! Decompression of gzip bodies. They are recognised by their first bytes, not by headers, because workflows often send
//! wrong ones.

use std::{borrow::Cow, io::Read};

use flate2::read::MultiGzDecoder;

use super::{MAX_INFLATED, PageError, foreign};

/// The first bytes of gzip data (RFC 1952).
pub(super) const MAGIC: [u8; 2] = [0x1f, 0x8b];

/// The decompressed body. A body that is not compressed is returned as it is.
///
/// # Errors
/// The result would be over [`MAX_INFLATED`] bytes (decompression stops there), the data is damaged, or it is no text: an
/// archive, for example, or gzip once more.
pub fn inflate(body: &[u8]) -> Result<Cow<'_, [u8]>, PageError> {
    inflate_within(body, MAX_INFLATED)
}

/// [`inflate`] with another limit, in bytes, for files that the caller trusts.
///
/// # Errors
/// The same as [`inflate`].
pub fn inflate_within(body: &[u8], max_bytes: usize) -> Result<Cow<'_, [u8]>, PageError> {
    let text = if body.starts_with(&MAGIC) { Cow::Owned(gunzip(body, max_bytes)?) } else { Cow::Borrowed(body) };
    if text.len() > max_bytes {
        return Err(PageError::TooLarge);
    }
    foreign::check(&text)?;
    Ok(text)
}

/// Decompresses at most one byte more than the limit, from which the caller sees that it was exceeded.
fn gunzip(body: &[u8], max_bytes: usize) -> Result<Vec<u8>, PageError> {
    let mut text = Vec::new();
    let mut reader = MultiGzDecoder::new(body).take((max_bytes as u64).saturating_add(1));
    match reader.read_to_end(&mut text) {
        Ok(_) => Ok(text),
        Err(_) => Err(PageError::unreadable("The gzip data is damaged or cut off; compress and send it again.")),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::{Compression, write::GzEncoder};

    use super::{super::tests::gzip, *};

    #[test]
    fn what_is_not_compressed_is_borrowed() {
        assert!(matches!(inflate(b"email:a"), Ok(Cow::Borrowed(b"email:a"))));
        assert_eq!(inflate(&gzip(b"email:a")).unwrap().as_ref(), b"email:a");
    }

    #[test]
    fn members_follow_each_other() {
        let body = [gzip(b"email:a\n"), gzip(b"email:b\n")].concat();
        assert_eq!(inflate(&body).unwrap().as_ref(), b"email:a\nemail:b\n");
    }

    #[test]
    fn a_bomb_stops_at_the_limit() {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        for _ in 0..64 {
            encoder.write_all(&vec![b'x'; 1 << 20]).unwrap();
        }
        let bomb = encoder.finish().unwrap();
        assert!(bomb.len() < MAX_INFLATED / 100);
        assert_eq!(inflate(&bomb), Err(PageError::TooLarge));
        assert!(inflate(&gzip(&vec![b'x'; MAX_INFLATED])).is_ok(), "just as much as allowed");
        assert_eq!(inflate(&vec![b'x'; MAX_INFLATED + 1]), Err(PageError::TooLarge));
    }

    #[test]
    fn damaged_data_is_an_error() {
        let body = gzip(b"email:a");
        for damaged in [&body[..body.len() - 1], &body[..2], &[&body[..], b"x"].concat()] {
            assert!(matches!(inflate(damaged), Err(PageError::Unreadable(_))));
        }
    }
}
