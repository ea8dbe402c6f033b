//! CPU time of the worker per row of a full chunk that deletes identifiers, compared with the same store requests sent by
//! the SDK alone, and with the same updates in PartiQL batches. The store is replaced by fixed replies in this process.

use std::time::Duration;

use aws_sdk_dynamodb::{
    Client,
    types::{AttributeValue, BatchStatementRequest, KeysAndAttributes},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use efface_aws::{
    Store,
    clock::Clock,
    queue::{Pointer, Work},
};
use efface_core::{
    identifier::IdentifierType,
    job::{
        chunk::{CHUNK_ROWS, ChunkId},
        row::{Lookup, Row, pack},
    },
    key::IdHash,
    space::SpaceId,
};
use efface_engine::{ChunkRun, Deadline, Engine};
use efface_tests::{
    TestQueue,
    app::{SPACE, master},
    store::TABLE,
};
use futures::{StreamExt, stream};
use serde_json::{Value, json};

use crate::{cpu, quantile, row};

const ROUNDS: usize = 15;
/// Concurrent requests of the comparisons.
const AT_ONCE: usize = 64;
const JOB: &str = "job_019b76da1e7b7000a1b2c3d4e5f60718";
const PROFILE: &str = "use_00000000000000000000000000000000";

/// Measures the CPU time per row in microseconds, as the median over rounds.
pub(crate) fn run() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let rows = rows();
    let client = client(&rows);
    let engine = Engine::new(Store::new(client.clone(), TABLE), TestQueue::default().queue(), Clock::system());
    let work = Work::Chunk(ChunkId { page: 0, chunk: 0, attempt: 0 });
    let pointer = Pointer { space: SpaceId::parse(SPACE).unwrap(), job: JOB.parse().unwrap(), work, hops: 0 };
    let (mut worker, mut bare, mut batched) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let start = cpu::cpu();
        let deadline = Deadline::after(Duration::from_mins(10));
        let ran = runtime.block_on(engine.work(&pointer, deadline)).unwrap();
        assert_eq!(ran, ChunkRun::Completed);
        let first = cpu::cpu();
        runtime.block_on(bare_chunk(&client, &rows));
        let second = cpu::cpu();
        runtime.block_on(partiql_chunk(&client, &rows));
        let third = cpu::cpu();
        for (figures, taken) in
            [(&mut worker, first - start), (&mut bare, second - first), (&mut batched, third - second)]
        {
            #[expect(clippy::cast_precision_loss, reason = "a thousand")]
            figures.push(taken / CHUNK_ROWS as f64);
        }
    }
    let [worker, bare, batched] = [&mut worker, &mut bare, &mut batched].map(|figures| quantile(figures, 0.5));
    row("CPU of a row in the worker (µs)", &format!("{worker:.0}"), "≤ 500");
    row("CPU of the same store calls alone (µs)", &format!("{bare:.0}"), "");
    row("ratio", &format!("{:.2}", worker / bare), "");
    row("rows of a worker in a second of CPU", &format!("{:.0}", 1e6 / worker), "≥ 2000");
    row("the same calls with PartiQL batches of 25 (µs)", &format!("{batched:.0}"), "");
}

fn rows() -> Vec<Row> {
    let key = master().space_key(&SpaceId::parse(SPACE).unwrap());
    let hash = |name: &str, i: usize| key.identifier(&IdentifierType::parse(name).unwrap(), &format!("{name}{i}"));
    (0..CHUNK_ROWS)
        .map(|i| Row::Identifier {
            lookup: Lookup::UserId(hash("user_id", i)),
            target: hash("email", i),
            is_user_id: false,
        })
        .collect()
}

/// A client whose fixed replies contain the job, its chunk and every identifier.
fn client(rows: &[Row]) -> Client {
    let chunk = json!({ "Item": { "rows": { "B": STANDARD.encode(pack(rows)) } } }).to_string();
    cpu::client(move |operation, body| match operation {
        "BatchGetItem" => found(body),
        "GetItem" if body.contains("\"Q#") => chunk.clone(),
        "GetItem" => page(),
        "Query" => status(),
        "BatchExecuteStatement" => json!({ "Responses": vec![json!({}); 25] }).to_string(),
        _ => "{}".to_owned(),
    })
}

fn found(body: &str) -> String {
    let request: Value = serde_json::from_str(body).unwrap();
    let keys = request["RequestItems"][TABLE]["Keys"].as_array().unwrap();
    let item = |key: &Value| {
        json!({
            "pk": key["pk"], "sk": key["sk"], "state": { "S": "active" }, "type": { "S": "user_id" },
            "profile_id": { "S": PROFILE }, "value": { "S": "user_001" },
            "created_at": { "S": "2026-01-01T00:00:00.000Z" }, "event_time": { "S": "2026-01-01T00:00:00.000Z" }
        })
    };
    json!({ "Responses": { TABLE: keys.iter().map(item).collect::<Vec<_>>() } }).to_string()
}

fn page() -> String {
    json!({ "Item": {
        "page": { "N": "0" }, "content": { "S": "x" }, "rows": { "N": "1000" }, "invalid": { "N": "0" },
        "chunks": { "N": "1" }
    } })
    .to_string()
}

fn status() -> String {
    let at = json!({ "S": "2026-01-01T00:00:00.000Z" });
    json!({ "Items": [
        { "pk": { "S": "J" }, "sk": { "S": "C#00" }, "rows": { "N": "9000" }, "chunks": { "N": "9" } },
        { "pk": { "S": "J" }, "sk": { "S": "H" }, "job_id": { "S": JOB }, "action": { "S": "delete_identifier" },
          "state": { "S": "running" }, "version": { "N": "2" }, "job_group": { "NULL": true }, "created_at": at,
          "token_id": { "S": "tok_1" }, "dry_run": { "BOOL": false }, "max_deletions": { "NULL": true },
          "started_at": at, "finished_at": { "NULL": true },
          "verified_at": { "NULL": true }, "changed_at": at }
    ] })
    .to_string()
}

fn key(hash: &IdHash) -> [(String, AttributeValue); 2] {
    let text = |text: String| AttributeValue::S(text);
    [("pk".to_owned(), text(format!("I#{SPACE}#{hash}"))), ("sk".to_owned(), text("-".to_owned()))]
}

fn hashes(row: &Row) -> (&IdHash, &IdHash) {
    let Row::Identifier { lookup: Lookup::UserId(lookup), target, .. } = row else { unreachable!() };
    (lookup, target)
}

async fn read_lookups(client: &Client, rows: &[Row]) {
    for rows in rows.chunks(100) {
        let keys = rows.iter().map(|row| key(hashes(row).0).into()).collect();
        let keys = KeysAndAttributes::builder().set_keys(Some(keys)).build().unwrap();
        let reply = client.batch_get_item().request_items(TABLE, keys).send().await.unwrap();
        assert_eq!(reply.responses.unwrap()[TABLE].len(), rows.len());
    }
}

/// Sends the store requests that [`Engine::work`] needs for these rows.
async fn bare_chunk(client: &Client, rows: &[Row]) {
    read_lookups(client, rows).await;
    let updates = rows.iter().map(|row| {
        let text = |text: &str| AttributeValue::S(text.to_owned());
        client
            .update_item()
            .table_name(TABLE)
            .set_key(Some(key(hashes(row).1).into()))
            .update_expression(
                "SET #state = :deleted, deleted_at = :at, token_id = :token, request_id = :request, reason = :reason, \
                 job_id = :job, job_row = :row REMOVE #value",
            )
            .condition_expression("#state = :active AND profile_id = :profile")
            .expression_attribute_names("#state", "state")
            .expression_attribute_names("#value", "value")
            .expression_attribute_values(":active", text("active"))
            .expression_attribute_values(":deleted", text("deleted"))
            .expression_attribute_values(":profile", text(PROFILE))
            .expression_attribute_values(":at", text("2026-01-01T00:00:00.000Z"))
            .expression_attribute_values(":token", text("tok_1"))
            .expression_attribute_values(":request", text("00000000-0000-7000-8000-000000000000"))
            .expression_attribute_values(":reason", text("job"))
            .expression_attribute_values(":job", text(JOB))
            .expression_attribute_values(":row", text("0:999"))
            .send()
    });
    stream::iter(updates.collect::<Vec<_>>())
        .buffer_unordered(AT_ONCE)
        .for_each(async |reply| assert!(reply.is_ok()))
        .await;
}

async fn partiql_chunk(client: &Client, rows: &[Row]) {
    read_lookups(client, rows).await;
    let statement = format!(
        "UPDATE \"{TABLE}\" SET \"state\" = 'deleted' SET deleted_at = ? SET token_id = ? SET request_id = ? \
         SET reason = 'job' SET job_id = ? SET job_row = ? REMOVE \"value\" WHERE pk = ? AND sk = '-' AND \
         \"state\" = 'active' AND profile_id = ?"
    );
    let batches = rows.chunks(25).map(|rows| {
        let one = |row: &Row| {
            let target = format!("I#{SPACE}#{}", hashes(row).1);
            let values = ["2026-01-01T00:00:00.000Z", "tok_1", "00000000", JOB, "0:999", &target, PROFILE];
            let values = values.map(|value| AttributeValue::S(value.to_owned())).to_vec();
            BatchStatementRequest::builder().statement(&statement).set_parameters(Some(values)).build().unwrap()
        };
        client.batch_execute_statement().set_statements(Some(rows.iter().map(one).collect())).send()
    });
    stream::iter(batches.collect::<Vec<_>>())
        .buffer_unordered(AT_ONCE)
        .for_each(async |reply| assert!(reply.is_ok()))
        .await;
}
