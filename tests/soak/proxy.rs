//! The fault proxy of the soak: it stands between the programs and the table and injects faults at random. Of most
//! requests it reads the length and the operation only, so that it costs little time.

use std::{
    io,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

/// Share of requests that are throttled.
const THROTTLED: f64 = 0.05;
/// Share of writes that are carried out and whose reply is lost.
const LOST: f64 = 0.01;
/// Share of batches that are processed in part.
const PARTIAL: f64 = 0.05;

const OPERATIONS: [&str; 9] = [
    "GetItem",
    "BatchGetItem",
    "Query",
    "PutItem",
    "UpdateItem",
    "DeleteItem",
    "BatchWriteItem",
    "TransactWriteItems",
    "other",
];

/// Numbers of requests and faults so far.
#[derive(Debug, Default)]
pub(crate) struct Traffic {
    /// Requests by operation, in the order of [`OPERATIONS`].
    requests: [AtomicU64; 9],
    pub(crate) throttled: AtomicU64,
    pub(crate) lost: AtomicU64,
    pub(crate) partial: AtomicU64,
    is_healed: AtomicBool,
}

impl Traffic {
    /// Requests by operation, without those that did not occur.
    pub(crate) fn requests(&self) -> Vec<(&'static str, u64)> {
        let counted = OPERATIONS.iter().zip(&self.requests).map(|(name, n)| (*name, n.load(Ordering::Relaxed)));
        counted.filter(|(_, n)| *n > 0).collect()
    }

    /// Turns faults on or off.
    pub(crate) fn set_faults(&self, are_on: bool) {
        self.is_healed.store(!are_on, Ordering::Relaxed);
    }

    fn hits(&self, rate: f64) -> bool {
        !self.is_healed.load(Ordering::Relaxed) && fastrand::f64() < rate
    }
}

/// Starts a proxy to a server. Returns its URL.
pub(crate) async fn start(target: SocketAddr, traffic: Arc<Traffic>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        loop {
            let Ok((client, _)) = listener.accept().await else { continue };
            let traffic = Arc::clone(&traffic);
            // An error here means that the client was killed, which is no failure of the proxy.
            tokio::spawn(async move { pass(client, target, &traffic).await });
        }
    });
    url
}

/// Forwards the requests of one connection, one after the other, until it is closed or a fault closes it.
async fn pass(mut client: TcpStream, target: SocketAddr, traffic: &Traffic) -> io::Result<()> {
    let mut server = TcpStream::connect(target).await?;
    client.set_nodelay(true)?;
    server.set_nodelay(true)?;
    let (mut sent, mut replied) = (Vec::with_capacity(16 * 1024), Vec::with_capacity(16 * 1024));
    while let Some(request) = read(&mut client, &mut sent).await? {
        let operation = request.operation(&sent);
        traffic.requests[operation].fetch_add(1, Ordering::Relaxed);
        if traffic.hits(THROTTLED) {
            traffic.throttled.fetch_add(1, Ordering::Relaxed);
            client.write_all(&throttled()).await?;
        } else if let Some(part) = part(traffic, OPERATIONS[operation], request.body(&sent)) {
            traffic.partial.fetch_add(1, Ordering::Relaxed);
            server.write_all(&request.with_body(&sent, &part.sent)).await?;
            let Some(reply) = read(&mut server, &mut replied).await? else { return Ok(()) };
            let mut content: Value = serde_json::from_slice(reply.body(&replied)).unwrap_or_default();
            content[part.field] = part.left;
            client.write_all(&reply.with_body(&replied, content.to_string().as_bytes())).await?;
            replied.drain(..reply.total);
        } else {
            server.write_all(&sent[..request.total]).await?;
            let Some(reply) = read(&mut server, &mut replied).await? else { return Ok(()) };
            let is_done = replied.starts_with(b"HTTP/1.1 200");
            if is_done && is_write(OPERATIONS[operation]) && traffic.hits(LOST) {
                traffic.lost.fetch_add(1, Ordering::Relaxed);
                return Ok(());
            }
            client.write_all(&replied[..reply.total]).await?;
            replied.drain(..reply.total);
        }
        sent.drain(..request.total);
    }
    Ok(())
}

/// The lengths of a received request or reply: of its head, and of head and body.
struct Message {
    head: usize,
    total: usize,
}

impl Message {
    fn operation(&self, bytes: &[u8]) -> usize {
        let target = header(&bytes[..self.head], "x-amz-target").and_then(|target| target.rsplit('.').next());
        let known = OPERATIONS.iter().position(|name| Some(*name) == target);
        known.unwrap_or(OPERATIONS.len() - 1)
    }

    fn body<'a>(&self, bytes: &'a [u8]) -> &'a [u8] {
        &bytes[self.head..self.total]
    }

    /// The message with another body. The headers that depend on the body are corrected or left out.
    fn with_body(&self, bytes: &[u8], body: &[u8]) -> Vec<u8> {
        let head = String::from_utf8_lossy(&bytes[..self.head]).into_owned();
        let kept = head.trim_end().split("\r\n").filter(|line| {
            let name = line.split(':').next().unwrap_or_default().to_ascii_lowercase();
            name != "content-length" && name != "x-amz-crc32"
        });
        let head = kept.collect::<Vec<_>>().join("\r\n");
        let mut message = format!("{head}\r\ncontent-length: {}\r\n\r\n", body.len()).into_bytes();
        message.extend_from_slice(body);
        message
    }
}

/// Reads until a message is complete. `None` if the other side has closed the connection.
async fn read(stream: &mut TcpStream, bytes: &mut Vec<u8>) -> io::Result<Option<Message>> {
    loop {
        if let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            let head = end + 4;
            let length = header(&bytes[..head], "content-length").and_then(|length| length.parse::<usize>().ok());
            let total = head + length.ok_or_else(|| io::Error::other("a message without a length"))?;
            while bytes.len() < total {
                if stream.read_buf(bytes).await? == 0 {
                    return Ok(None);
                }
            }
            return Ok(Some(Message { head, total }));
        }
        if stream.read_buf(bytes).await? == 0 {
            return Ok(None);
        }
    }
}

fn header<'a>(head: &'a [u8], name: &str) -> Option<&'a str> {
    let lines = str::from_utf8(head).ok()?.split("\r\n");
    let mut fields = lines.filter_map(|line| line.split_once(':'));
    fields.find(|(field, _)| field.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim())
}

fn is_write(operation: &str) -> bool {
    !matches!(operation, "GetItem" | "BatchGetItem" | "Query" | "other")
}

fn throttled() -> Vec<u8> {
    let kind = if fastrand::bool() { "ThrottlingException" } else { "ProvisionedThroughputExceededException" };
    let body = json!({ "__type": format!("com.amazonaws.dynamodb.v20120810#{kind}"), "message": "soak" }).to_string();
    let head = "HTTP/1.1 400 Bad Request\r\ncontent-type: application/x-amz-json-1.0";
    format!("{head}\r\ncontent-length: {}\r\n\r\n{body}", body.len()).into_bytes()
}

/// A batch of which the table gets a part only.
struct Part {
    /// The request with the part that is sent.
    sent: Vec<u8>,
    /// The field of the reply that lists what was not processed.
    field: &'static str,
    /// The part that is not sent.
    left: Value,
}

fn part(traffic: &Traffic, operation: &str, body: &[u8]) -> Option<Part> {
    let field = match operation {
        "BatchGetItem" => "UnprocessedKeys",
        "BatchWriteItem" => "UnprocessedItems",
        _ => return None,
    };
    if !traffic.hits(PARTIAL) {
        return None;
    }
    let mut request: Value = serde_json::from_slice(body).ok()?;
    let tables = request["RequestItems"].as_object_mut()?;
    let (name, table) = tables.iter_mut().next()?;
    let mut left = table.clone();
    let half = |value: &mut Value, keep_first: bool| {
        let list = value.as_array_mut()?;
        let middle = list.len() / 2;
        if keep_first {
            list.truncate(middle);
        } else {
            list.drain(..middle).for_each(drop);
        }
        (middle > 0).then_some(())
    };
    if operation == "BatchGetItem" {
        half(&mut table["Keys"], true)?;
        half(&mut left["Keys"], false)?;
    } else {
        half(table, true)?;
        half(&mut left, false)?;
    }
    let left = json!({ name.as_str(): left });
    Some(Part { sent: request.to_string().into_bytes(), field, left })
}
