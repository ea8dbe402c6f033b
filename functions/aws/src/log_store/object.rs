//! Objects of a bucket: bounded reads and conditional writes.

use std::time::Duration;

use aws_sdk_s3::{
    Client,
    error::{ProvideErrorMetadata, SdkError},
    primitives::ByteStream,
};
use base64::{Engine, engine::general_purpose::STANDARD};
use efface_core::time::Time;
use sha2::{Digest, Sha256};

use super::{LogStoreError, Version};

/// How long the body of an object may take.
const BODY: Duration = Duration::from_secs(10);

/// Pages of a list that are read at most.
const PAGES: usize = 10;

/// The error codes of a condition that does not hold. The second one is that of an object that is not there to be replaced,
/// the last one that of a write that met another one at the same time.
const UNMET: [&str; 3] = ["PreconditionFailed", "NoSuchKey", "ConditionalRequestConflict"];

/// The header by which S3 tells an object that was deleted from one that never was.
const DELETE_MARKER: &str = "x-amz-delete-marker";

/// A bucket and a client for it.
#[derive(Clone)]
pub(super) struct Bucket {
    pub(super) client: Client,
    pub(super) name: String,
    /// Whether objects are never deleted in it.
    pub(super) keeps_all: bool,
}

/// An object that was read.
pub(super) struct Object {
    pub(super) bytes: Vec<u8>,
    pub(super) version: Version,
    pub(super) modified: Time,
}

/// What a conditional write came to.
pub(super) enum Put {
    /// It is stored, as this version.
    Done(Version),
    /// The condition does not hold.
    Unmet,
}

impl Bucket {
    /// An object of at most so many bytes; `None` where it is not there. The role must be allowed to list the bucket, else
    /// S3 refuses to say so.
    ///
    /// # Errors
    /// [`LogStoreError::Deleted`] where it was there, in a bucket that keeps all.
    pub(super) async fn get(&self, key: &str, most: usize) -> Result<Option<Object>, LogStoreError> {
        let reply = match self.client.get_object().bucket(&self.name).key(key).send().await {
            Err(error) if error.code() == Some("NoSuchKey") => {
                let was_deleted = error.raw_response().and_then(|raw| raw.headers().get(DELETE_MARKER)) == Some("true");
                let is_lost = self.keeps_all && was_deleted;
                return if is_lost { Err(LogStoreError::Deleted(key.to_owned())) } else { Ok(None) };
            }
            reply => reply?,
        };
        let unreadable = || LogStoreError::Unreadable(key.to_owned());
        let modified = reply.last_modified.and_then(|time| Time::from_millis(time.to_millis().ok()?));
        let version = reply.e_tag.map(Version).ok_or_else(unreadable)?;
        let modified = modified.ok_or_else(unreadable)?;
        let read = tokio::time::timeout(BODY, read(reply.body, most)).await;
        let bytes = read.map_err(|_| LogStoreError::Unavailable("timeout".to_owned()))??.ok_or_else(unreadable)?;
        Ok(Some(Object { bytes, version, modified }))
    }

    /// Puts an object, if none is there; with a version, if that one still is there.
    pub(super) async fn put(
        &self,
        key: &str,
        bytes: &[u8],
        last: Option<&Version>,
        content_type: &str,
    ) -> Result<Put, LogStoreError> {
        let put = self.client.put_object().bucket(&self.name).key(key).content_type(content_type);
        let put = put.checksum_sha256(STANDARD.encode(Sha256::digest(bytes)));
        let put = match last {
            None => put.if_none_match("*"),
            Some(Version(version)) => put.if_match(version),
        };
        match put.body(ByteStream::from(bytes.to_vec())).send().await {
            Ok(reply) => reply.e_tag.map(|version| Put::Done(Version(version))).ok_or_else(no_version),
            Err(error) if is_unmet(&error) => Ok(Put::Unmet),
            Err(error) => Err(error.into()),
        }
    }

    /// The keys with a prefix, of up to so many pages of 1,000.
    pub(super) async fn list(&self, prefix: &str) -> Result<Vec<String>, LogStoreError> {
        let (mut keys, mut next) = (Vec::new(), None);
        for _ in 0..PAGES {
            let list = self.client.list_objects_v2().bucket(&self.name).prefix(prefix);
            let reply = list.set_continuation_token(next).send().await?;
            keys.extend(reply.contents.unwrap_or_default().into_iter().filter_map(|object| object.key));
            next = reply.next_continuation_token;
            if next.is_none() {
                break;
            }
        }
        Ok(keys)
    }

    /// Deletes an object; it is done, too, where there is none.
    pub(super) async fn delete(&self, key: &str) -> Result<(), LogStoreError> {
        self.client.delete_object().bucket(&self.name).key(key).send().await?;
        Ok(())
    }
}

fn no_version() -> LogStoreError {
    LogStoreError::Internal("a bucket without versions of its objects".to_owned())
}

fn is_unmet<E: ProvideErrorMetadata>(error: &SdkError<E>) -> bool {
    error.code().is_some_and(|code| UNMET.contains(&code))
}

/// Reads a body of at most so many bytes; `None` of a longer one.
async fn read(mut body: ByteStream, most: usize) -> Result<Option<Vec<u8>>, LogStoreError> {
    let mut bytes = Vec::new();
    while let Some(part) = body.next().await {
        let part = part.map_err(|_| LogStoreError::Unavailable("the body was cut off".to_owned()))?;
        if bytes.len() + part.len() > most {
            return Ok(None);
        }
        bytes.extend_from_slice(&part);
    }
    Ok(Some(bytes))
}
