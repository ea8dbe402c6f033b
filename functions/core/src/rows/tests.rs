//! Tests of each format, and of the formats against each other.

use std::{io::Write, time::Instant};

use flate2::{Compression, write::GzEncoder};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

pub(super) fn gzip(text: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(text).unwrap();
    encoder.finish().unwrap()
}

fn external(id: &ExternalId) -> String {
    format!("{}:{}", id.id_type.as_str(), id.value.expose())
}

fn looked_up(lookup: &ProfileLookup) -> String {
    match lookup {
        ProfileLookup::Identifier(id) => external(id),
        ProfileLookup::Id(profile) => profile.to_string(),
    }
}

fn profiles(rows: &[RawRow]) -> Vec<String> {
    let types = IdentifierTypes::default();
    let text = |row: &RawRow| match row.profile(&types) {
        Ok(lookup) => looked_up(&lookup),
        Err(fault) => format!("{fault:?}"),
    };
    rows.iter().map(text).collect()
}

/// Parses a body as `/internal/bulk-delete-internal` does if it is sent without a media type.
pub(super) fn read_sent(sent: &[u8]) -> Result<Vec<RawRow>, PageError> {
    read_page(&inflate(sent)?, "")
}

/// Compares the rows of a body, each as `type:value` or its fault, or the error of the whole body.
pub(super) fn check(body: impl AsRef<[u8]>, expected: &[&str]) {
    let body = body.as_ref();
    for sent in [body.to_vec(), gzip(body)] {
        let read = read_sent(&sent).map_or_else(|error| vec![error.to_string()], |rows| profiles(&rows));
        assert_eq!(read, expected, "{}", String::from_utf8_lossy(body));
    }
}

#[test]
fn a_table_with_named_columns() {
    let types = r#""column_types":["string"]"#;
    check(
        format!(r#"{{"column_names":["_col0"],{types},"data":[["email:a"],["b"],[null],["email:c","x"],[]]}}"#),
        &["email:a", "NoColon", "NotText", "Cells", "Cells"],
    );
    let expected = ["email:a", "user_id:7", "Cells", "NotText"];
    check(r#"{"column_names":["key","value"],"data":[["email","a"],["user_id",7],["email"],"email:b"]}"#, &expected);
    check(r#"{"data":[[0,"a","email"]],"column_names":["n","VALUE","Key"]}"#, &["email:a"]);
    check(r#"{"column_names":["key"],"data":[]}"#, &[]);
    let names = "`column_names` must be one column of `key:value`, or name `key` and `value`, or `type` and `id` with `user_id` or `profile`.";
    for bad in [r#"["a","b"]"#, r#"["user_id","email"]"#, "[]", "[1.5]"] {
        check(format!(r#"{{"column_names":{bad},"data":[["a","b"]]}}"#), &[names]);
    }
    check(r#"{"data":[["email:a"]]}"#, &["`column_names` is missing beside `data`; send both, or send `rows`."]);
}

#[test]
fn a_bad_line_among_strings_is_one_faulty_row() {
    check(
        r#""email:jos\u00e9@x"
null
5
"email:b"
"#,
        &["email:jos\u{e9}@x", "NotText", "NoColon", "email:b"],
    );
    let read = |media_type| profiles(&read_page(b"\"bad\"\n\"email:b\"\n", media_type).unwrap());
    assert_eq!(read("application/x-ndjson"), ["NoColon", "email:b"]);
    assert_eq!(read("text/csv"), ["NoColon", "email:b"]);
    assert_eq!(read(""), ["NoColon", "email:b"]);
    let quoted = b"\"email:a\\u00e9\"\n\"email:b\"\n";
    assert_eq!(profiles(&read_page(quoted, "text/csv").unwrap()), [r"email:a\u00e9", "email:b"]);
}

#[test]
fn bad_bytes_do_not_make_a_page_much_larger() {
    let repaired = json::repaired(&[0xff; 1_000]);
    assert!(repaired.len() < 20, "{}", repaired.len());
}

#[test]
fn a_list_of_any_rows() {
    let list = r#"["email:a:b",{"any":"email:c"},{"value":"d","key":"email"},["email:e"],["email","f"],
        {"value":-12345678901234567890123,"key":"user_id"},{"key":"email","value":"g","note":[1]}]"#;
    let expected =
        ["email:a:b", "email:c", "email:d", "email:e", "email:f", "user_id:-12345678901234567890123", "email:g"];
    check(list, &expected);
    check(format!(r#" {{"rows":{list}}} "#), &expected);
}

#[test]
fn a_bad_row_is_one_faulty_row() {
    check(
        r#"[null,true,1,1.5,[],["email","a","b"],{},{"a":1,"b":2},{"a":[]},{"key":"email","value":null},
            {"key":"email","key":"email","value":"a"},"\ud800","email:\ud800",{"\ud800":"email:a"},"email:",
            ":a","group_id:a","Email:a","segment_id:a",{"user_id":"u","type":"email","id":"e"},"email:a"]"#,
        &[
            "NotText",
            "NotText",
            "NoColon",
            "NotText",
            "NotText",
            "NotText",
            "MissingField",
            "MissingField",
            "NotText",
            "NotText",
            "RepeatedField",
            "NotUtf8",
            "NotUtf8",
            "NotUtf8",
            "EmptyValue",
            "UnknownType",
            "UnsupportedType",
            "UnknownType",
            "ProfileId",
            "MissingField",
            "email:a",
        ],
    );
    check(format!(r#"["email:{}","email:{}"]"#, "x".repeat(2_049), "é".repeat(1_025)), &["LongValue", "LongValue"]);
    check(b"[\"email:\xff\",\"email:\\\xff\",\"email:a\"]", &["NotUtf8", "NotUtf8", "email:a"]);
    check("[\"email:\\u0000\"]", &["email:\0"]);
}

#[test]
fn newline_delimited_json() {
    check(
        "{\"key\":\"email\",\"value\":\"a\"}\r\n\n  \n[\"email\",\"b\"]\n\"email:c\"\n{\"x\":\"email:d\"}\n",
        &["email:a", "email:b", "email:c", "email:d"],
    );
    let row = r#"{"key":"email","value":"a"}"#;
    check(row, &["email:a"]);
    check(format!("{row}\n{row}"), &["email:a", "email:a"]);
    check(format!("{row}\n{{oops\n{row}"), &["email:a", "NotText", "email:a"]);
    check(format!("oops\n{row}\n{row}"), &["NotText", "email:a", "email:a"]);
    check(format!("{{\"key\":\"email\"\n{row}"), &["NotText", "email:a"]);
    check([row.as_bytes(), b"\n{\"key\":\"email\",\"value\":\"\xff\"}\n"].concat(), &["email:a", "NotUtf8"]);
    check(r#""email:a""#, &["email:a"]);
    check(r#""email""#, &["NoColon"]);
    check("\"email:\\u00e9\"\n\"email:a\\\"b\"\n", &["email:é", "email:a\"b"]);
}

#[test]
fn comma_separated_values() {
    check("email:a\r\nemail:b,c\n\n \nemail:d", &["email:a", "UnknownType", "email:d"]);
    check("profile\nemail:a\n", &["email:a"]);
    check("\"profile\"\n\"email:a\"\n", &["email:a"]);
    check("\u{feff}email:a\n\u{feff}email:b", &["email:a", "UnknownType"]);
    check("email,a\nemail,\"b,\"\"c\"\"d\"\nemail, e \n", &["email:a", "email:b,\"c\"d", "email: e "]);
    check("KEY,Value\nemail,a:b\nemail,\nemail\n", &["email:a:b", "EmptyValue", "Cells"]);
    check("value,note,key\na,x,email\n", &["email:a"]);
    check("email:a\n\"\"\na,b,c,d\n", &["email:a", "NoColon", "Cells"]);
    check(b"email:\xff\nemail:a", &["NotUtf8", "email:a"]);
    check("email:a\r", &["email:a"]);
    check("", &[]);
    check(" \r\n", &[]);
}

#[test]
fn a_quote_that_is_never_closed_is_one_faulty_row() {
    check("email:a\n\"email:b\nemail:c\n", &["email:a", "Quotes", "email:c"]);
    let open = "Line 2 has a quoted cell that is not closed on that line: put each row on one line, without line ends in its \
                cells.";
    check("email:a\n\"email:b\n\"email:c,d\"\n", &[open]);
    check("email:a\n\"email:b\"x\nemail:\"c\"\n", &["email:a", "Quotes", "email:\"c\""]);
    check("\"email\",b\nemail,\"a\nemail,c", &["email:b", "Quotes", "email:c"]);
}

#[test]
fn a_bad_row_does_not_change_the_format() {
    check("email:a\n{}\n[]\nemail:b\nemail:c", &["email:a", "NoColon", "NoColon", "email:b", "email:c"]);
    check("{oops\nemail:a\nemail:b", &["NoColon", "email:a", "email:b"]);
    check("[oops:\nemail:a\nemail:b", &["UnknownType", "email:a", "email:b"]);
}

#[test]
fn a_page_that_was_cut_off_is_rejected() {
    let cut = "The page ends before its JSON does; send it whole.";
    for body in ["[", "[\n\"email:a\",\n\"email:b\"\n", r#"{"rows":["email:a""#, r#"{"column_names":["key"],"data":[["#]
    {
        check(body, &[cut]);
    }
    let broken = "The page is not valid JSON (line 3, column 3); send a list of rows, or one row a line.";
    check(
        "[\n  {\"key\":\"email\",\"value\":\"a\"}\n  {\"key\":\"email\",\"value\":\"b\"},\n  {\"x\":1}\n]",
        &[broken],
    );
}

#[test]
fn a_page_has_its_limits() {
    let rows = |count: usize| "email:a\n".repeat(count);
    assert_eq!(read_sent(rows(MAX_ROWS).as_bytes()).unwrap().len(), MAX_ROWS);
    assert_eq!(read_sent(rows(MAX_ROWS + 1).as_bytes()), Err(PageError::TooManyRows));
    let list = format!("[{}1]", "1,".repeat(MAX_ROWS));
    assert_eq!(read_sent(list.as_bytes()), Err(PageError::TooManyRows));
    check(format!("[[{}1]]", "1,".repeat(MAX_ROWS)), &["NotText"]);
    check(format!("email{}", ",".repeat(MAX_ROWS)), &["Cells"]);
    check("[".repeat(MAX_ROWS), &["The page ends before its JSON does; send it whole."]);
    assert_eq!(read_sent(&vec![b'\n'; MAX_INFLATED + 1]), Err(PageError::TooLarge));
}

#[test]
fn a_full_page_is_parsed_quickly() {
    let start = Instant::now();
    let table: Vec<[String; 1]> = (0..MAX_ROWS).map(|n| [format!("email:person-{n}@example.com")]).collect();
    let body = json!({"column_names": ["_col0"], "data": table}).to_string();
    assert_eq!(read_sent(body.as_bytes()).unwrap().len(), MAX_ROWS);
    assert!(start.elapsed().as_secs() < 5, "generous, for a debug build on a busy machine");
}

pub(super) fn identifiers(body: &str) -> Vec<String> {
    let types = IdentifierTypes::default();
    let text = |row: &RawRow| match row.identifier(&types) {
        Ok(row) => format!("{} {}", looked_up(&row.lookup), external(&row.target)),
        Err(fault) => format!("{fault:?}"),
    };
    read_sent(body.as_bytes()).unwrap().iter().map(text).collect()
}

#[test]
fn a_row_names_an_identifier() {
    let row = r#"{"type":"email","user_id":"u","id":"e"}"#;
    assert_eq!(
        identifiers(&format!(r#"[{row},{{"user_id":"u","type":"user_id","id":"u"}}]"#)),
        ["user_id:u email:e", "user_id:u user_id:u"]
    );
    assert_eq!(identifiers("user_id,type,id\nu,email,e"), ["user_id:u email:e"]);
    assert_eq!(identifiers("ID,type,User_Id\ne,email,u"), ["user_id:u email:e"]);
    assert_eq!(identifiers("u,email,e\nu,email"), ["user_id:u email:e", "MissingField"]);
    let bad = r#"["user_id:u",["u","email","e"],{"user_id":"u","type":"email"},{"user_id":"u"},{"key":"email","value":"e"},
        {"user_id":"u","type":"email","id":"e","x":1},{"user_id":"","type":"email","id":"e"},
        {"user_id":"u","type":"group_id","id":"e"},{"user_id":"u","type":"size","id":"e"},
        {"user_id":"u","type":"email","id":["e"]}]"#;
    let faults = "MissingField NotText MissingField MissingField MissingField UnknownField EmptyValue UnsupportedType \
                  UnknownType NotText";
    assert_eq!(identifiers(bad).join(" "), faults);
}

/// A profile is named by any of its identifiers, or by its own id.
#[test]
fn a_row_names_a_profile_by_its_own_id() {
    let id = "use_0123456789abcdef0123456789abcdef";
    let short = "use_0123";
    let rows = format!("profile\n{id}\nsegment_id:{id}\nsegment_id:{short}\n{short}\nemail:a\n");
    let expected = [id, id, "ProfileId", "NoColon", "email:a"];
    assert_eq!(profiles(&read_sent(rows.as_bytes()).unwrap()), expected);
    let json =
        json!([id, { "key": "segment_id", "value": id }, ["segment_id", short], { "profile": short }, "email:a"]);
    assert_eq!(profiles(&read_sent(json.to_string().as_bytes()).unwrap()), expected);
    let pairs = format!("segment_id,{id}\nemail,a\n");
    assert_eq!(profiles(&read_sent(pairs.as_bytes()).unwrap()), [id, "email:a"]);

    let rows = json!([
        { "profile": id, "type": "email", "id": "e" },
        { "profile": "anonymous_id:a", "type": "user_id", "id": "u" },
        { "profile": short, "type": "email", "id": "e" },
        { "profile": id, "user_id": "u", "type": "email", "id": "e" },
        { "profile": id, "type": "email" },
    ]);
    let expected =
        [&format!("{id} email:e")[..], "anonymous_id:a user_id:u", "NoColon", "UnknownField", "MissingField"];
    assert_eq!(identifiers(&rows.to_string()), expected);
    let csv = format!("Type,profile,id\nemail,{id},e\nuser_id,anonymous_id:a,u\n");
    assert_eq!(identifiers(&csv), expected[..2]);
    assert!(matches!(read_sent(b"profile,user_id,type,id\na,b,c,d\n"), Err(PageError::Unreadable(_))));
    assert_eq!(
        serde_json::to_string(&read_sent(csv.as_bytes()).unwrap()[0]).unwrap(),
        format!(r#"{{"profile":"{id}","type":"email","id":"e"}}"#)
    );
}

#[test]
fn a_row_is_read_from_any_value_and_debug_does_not_show_it() {
    let rows =
        r#"["email:secret",{"key":"email","value":"secret"},{"user_id":"secret","type":"email","id":"secret"},7,null]"#;
    let read: Vec<RawRow> = crate::json::read(rows.as_bytes()).unwrap();
    assert_eq!(read, read_sent(rows.as_bytes()).unwrap());
    assert!(!format!("{read:?}").contains("secret"));
    let written = serde_json::to_string(&read).unwrap();
    assert_eq!(written, rows.replace('7', "\"7\""));
    let cells: Vec<RawRow> = crate::json::read(br#"[["email","a"]]"#).unwrap();
    assert_eq!(serde_json::to_string(&cells).unwrap(), r#"[["email","a"]]"#);
}

/// Text that every format can carry. It begins with a letter, because in CSV a blank line is skipped and a byte order mark
/// is removed.
fn text() -> impl Strategy<Value = String> {
    prop_oneof!["[a-z@,\"\\\\: é\\r\\n]{0,12}", any::<String>()].prop_map(|text| format!("v{text}"))
}

fn csv_of(rows: &[Vec<String>], style: ::csv::QuoteStyle) -> Vec<u8> {
    let mut writer = ::csv::WriterBuilder::new().flexible(true).quote_style(style).from_writer(Vec::new());
    for row in rows {
        writer.write_record(row).unwrap();
    }
    writer.into_inner().unwrap()
}

fn lines_of(rows: &[Value]) -> Vec<u8> {
    let lines: Vec<String> = rows.iter().map(Value::to_string).collect();
    lines.join("\n").into_bytes()
}

proptest! {
    #[test]
    fn no_body_panics(body: Vec<u8>, start in "[\\[{\"]?(\\{\"(rows|data|column_names)\":\\[)?") {
        let _ = read_sent(&body);
        let _ = read_sent(&[start.as_bytes(), &body].concat());
    }

    #[test]
    fn no_body_that_looks_right_panics(body in r#"[\[\]{}",:\\u\nd8ae]{0,40}"#) {
        let _ = read_sent(body.as_bytes());
        let _ = read_sent(&gzip(body.as_bytes()));
    }

    #[test]
    fn a_page_reads_the_same_in_every_format(values in prop::collection::vec(text(), 1..8)) {
        let expected: Vec<String> = values.iter().map(|value| format!("email:{value}")).collect();
        let one: Vec<Vec<String>> = expected.iter().map(|text| vec![text.clone()]).collect();
        let two: Vec<Vec<String>> = values.iter().map(|value| vec!["email".to_owned(), value.clone()]).collect();
        let texts: Vec<Value> = expected.iter().map(|text| json!(text)).collect();
        let pairs: Vec<Value> = values.iter().map(|value| json!({"key": "email", "value": value})).collect();
        let named = [vec![vec!["key".to_owned(), "value".to_owned()]], two.clone()].concat();
        // A column of quoted cells with backslashes can be JSON strings as well, and is read as such.
        let ambiguous = values.iter().any(|value| value.contains('\\'));
        let bodies = [
            json!(texts).to_string().into_bytes(),
            json!(pairs).to_string().into_bytes(),
            serde_json::to_vec_pretty(&json!({"rows": pairs})).unwrap(),
            json!({"rows": two}).to_string().into_bytes(),
            json!({"column_names": ["x"], "column_types": ["string"], "data": one}).to_string().into_bytes(),
            json!({"column_names": ["key", "value"], "data": two}).to_string().into_bytes(),
            lines_of(&texts),
            lines_of(&pairs),
        ];
        let csv = [
            if ambiguous { lines_of(&texts) } else { csv_of(&one, ::csv::QuoteStyle::Necessary) },
            csv_of(&named, ::csv::QuoteStyle::Always),
            csv_of(&two, ::csv::QuoteStyle::Necessary),
        ];
        // CSV can carry neither line ends nor NUL.
        let is_csv = !values.iter().any(|value| value.contains(['\n', '\r', '\0']));
        for body in bodies.into_iter().chain(csv.into_iter().filter(|_| is_csv)) {
            prop_assert_eq!(&profiles(&read_sent(&body).unwrap()), &expected, "{}", String::from_utf8_lossy(&body));
            prop_assert_eq!(&profiles(&read_sent(&gzip(&body)).unwrap()), &expected);
        }
    }
}
