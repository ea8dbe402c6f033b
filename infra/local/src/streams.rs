//! An in-memory DynamoDB whose streams stay fast (`docs/adr/0015`). dynoxide 3.2.0 finds the number of a stream's next
//! record by looking at all of its records, and so does each read. With two indexes it looks at one.
//!
//! dynoxide has no way to add an index, but copies its database to and from SQLite's files, and keeps what it finds there.
//! The file is in memory, too.

use dynoxide::{Database, DynoxideError};
use rusqlite::Connection;
use thiserror::Error;
use uuid::Uuid;

/// What is added to dynoxide's table of records.
///
/// The indexes are in the form of dynoxide's queries, else SQLite would not use them. The trigger drops records after 24
/// hours, as AWS does; without it a database that runs for days would keep all. It looks only at the oldest, once in a
/// thousand records.
const ADDITIONS: &str = "
    CREATE INDEX stream_numbers ON _stream_records (table_name, CAST(sequence_number AS INTEGER));
    CREATE INDEX shard_numbers ON _stream_records (table_name, shard_id, CAST(sequence_number AS INTEGER));
    CREATE TRIGGER trim_streams AFTER INSERT ON _stream_records WHEN NEW.id % 1000 = 0 BEGIN
        DELETE FROM _stream_records WHERE created_at < NEW.created_at - 86400
            AND id IN (SELECT id FROM _stream_records ORDER BY id LIMIT 2000);
    END;";

/// Why there is no database.
#[derive(Debug, Error)]
pub enum DatabaseError {
    /// dynoxide could not open, copy or restore it.
    #[error("the database: {0}")]
    Database(#[from] DynoxideError),
    /// SQLite did not take the additions, perhaps because dynoxide's table has changed.
    #[error("the indexes of streams: {0}")]
    Indexes(#[from] rusqlite::Error),
}

/// An empty database.
pub fn database() -> Result<Database, DatabaseError> {
    let database = Database::memory()?;
    let file = format!("file:efface-{}?mode=memory&cache=shared", Uuid::now_v7());
    // A file in memory lasts as long as a connection to it.
    let connection = Connection::open(&file)?;
    database.vacuum_into(&file)?;
    connection.execute_batch(ADDITIONS)?;
    database.restore_from(&file)?;
    Ok(database)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    /// More than one answer holds.
    const RECORDS: usize = 2_000;

    /// A file with everything that a database has. Its name is gone at once.
    fn copy(database: &Database) -> Connection {
        let file = std::env::temp_dir().join(format!("efface-{}", Uuid::now_v7()));
        database.vacuum_into(file.to_str().unwrap()).unwrap();
        let connection = Connection::open(&file).unwrap();
        connection.execute_batch("PRAGMA journal_mode = MEMORY; PRAGMA synchronous = OFF").unwrap();
        std::fs::remove_file(file).unwrap();
        connection
    }

    fn plan(connection: &Connection, query: &str, parameters: &[&str]) -> String {
        let mut statement = connection.prepare(&format!("EXPLAIN QUERY PLAN {query}")).unwrap();
        let rows = statement.query_map(rusqlite::params_from_iter(parameters), |row| row.get::<_, String>(3));
        rows.unwrap().map(Result::unwrap).collect::<Vec<_>>().join("; ")
    }

    /// Inserts a record at a time in seconds.
    fn insert(connection: &Connection, created_at: usize) {
        let sql =
            "INSERT INTO _stream_records (table_name, event_name, keys_json, sequence_number, shard_id, created_at)
                   VALUES ('t', 'INSERT', '{}', '1', 's', ?1)";
        connection.execute(sql, [created_at]).unwrap();
    }

    /// The queries of dynoxide 3.2.0, from its `storage.rs`.
    #[test]
    fn the_queries_of_streams_use_the_indexes() {
        let connection = copy(&database().unwrap());
        let next = "SELECT COALESCE(MAX(CAST(sequence_number AS INTEGER)), 0) + 1 FROM _stream_records
                    WHERE table_name = ?1";
        let read =
            "SELECT event_name, keys_json, new_image, old_image, sequence_number, created_at, user_identity, event_id
                    FROM _stream_records
                    WHERE table_name = ?1 AND shard_id = ?2 AND CAST(sequence_number AS INTEGER) > ?3
                    ORDER BY CAST(sequence_number AS INTEGER) ASC LIMIT ?4";
        assert_eq!(
            plan(&connection, next, &["t"]),
            "SEARCH _stream_records USING COVERING INDEX stream_numbers (table_name=?)"
        );
        assert_eq!(
            plan(&connection, read, &["t", "s", "0", "10"]),
            "SEARCH _stream_records USING INDEX shard_numbers (table_name=? AND shard_id=? AND <expr>>?)"
        );
    }

    #[test]
    fn records_are_dropped_after_a_day() {
        const DAY: usize = 86_400;
        let connection = copy(&database().unwrap());
        (0..1_500).for_each(|_| insert(&connection, 0));
        (0..499).for_each(|_| insert(&connection, DAY));
        let count = || connection.query_row("SELECT COUNT(*) FROM _stream_records", [], |row| row.get::<_, i64>(0));
        insert(&connection, DAY);
        assert_eq!(count().unwrap(), 2_000, "none is older than a day");
        (0..1_000).for_each(|_| insert(&connection, DAY + 1));
        assert_eq!(count().unwrap(), 1_500);
    }

    #[test]
    fn a_stream_has_what_was_written() {
        let database = database().unwrap();
        let table = json!({ "TableName": "things", "BillingMode": "PAY_PER_REQUEST",
            "AttributeDefinitions": [{ "AttributeName": "pk", "AttributeType": "S" }],
            "KeySchema": [{ "AttributeName": "pk", "KeyType": "HASH" }],
            "StreamSpecification": { "StreamEnabled": true, "StreamViewType": "NEW_AND_OLD_IMAGES" } });
        database.create_table(serde_json::from_value(table).unwrap()).unwrap();
        for number in 0..RECORDS {
            let item = json!({ "TableName": "things", "Item": { "pk": { "S": number.to_string() } } });
            database.put_item(serde_json::from_value(item).unwrap()).unwrap();
        }
        let request = json!({ "StreamArn": "arn:aws:dynamodb:r:1:table/things/stream/l",
            "ShardId": "shardId-00000001-things",
            "ShardIteratorType": "TRIM_HORIZON" });
        let found = database.get_shard_iterator(serde_json::from_value(request).unwrap()).unwrap();
        let mut iterator = serde_json::to_value(&found).unwrap()["ShardIterator"].take();
        let mut keys = Vec::new();
        loop {
            let found = database.get_records(serde_json::from_value(json!({ "ShardIterator": iterator })).unwrap());
            let mut found = serde_json::to_value(found.unwrap()).unwrap();
            let records = found["Records"].as_array().cloned().unwrap();
            if records.is_empty() {
                break;
            }
            keys.extend(records.iter().map(|record| record["dynamodb"]["Keys"]["pk"]["S"].clone()));
            iterator = found["NextShardIterator"].take();
        }
        let written: Vec<Value> = (0..RECORDS).map(|number| number.to_string().into()).collect();
        assert_eq!(keys, written);
    }
}
