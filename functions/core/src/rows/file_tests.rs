//! Bodies as real files and systems make them: each is read as what it says, or rejected with a text that says what is
//! wrong. No row is lost, and none is made of two.

use std::time::Instant;

use serde_json::json;

use super::{
    tests::{check, gzip, identifiers, read_sent},
    *,
};

#[test]
fn only_a_known_name_is_a_header() {
    check("bob@example.com\nemail:a\n", &["NoColon", "email:a"]);
    check("bob\nemail:a\n", &["NoColon", "email:a"]);
    check("\"bob\"\n\"email:a\"\n", &["NoColon", "email:a"]);
    for name in
        ["profile", "Identifiers", "key:value", " _col0 ", "?column?", "KEY || ':' || VALUE", "concat(key, ':', v)"]
    {
        let quoted = format!("\"{name}\"\nemail:a\n");
        for page in [format!("{name}\nemail:a\n"), quoted] {
            let expected: &[&str] =
                if page.starts_with("concat") { &["MissingField", "email:a"] } else { &["email:a"] };
            check(page, expected);
        }
    }
    check("email:a||b\nemail:concat(\n", &["email:a||b", "email:concat("]);
    check("Email:a || b\nemail:c\n", &["UnknownType", "email:c"]);
    check("a||b\nemail:c\n", &["NoColon", "email:c"]);
    check(b"key,value,pr\xe9nom\nemail,a,x\n", &["email:a"]);
    for names in ["key,value", "key, value", "Key ,VALUE", "\"key\",\"value\"", "key,value,", "note,key,value"] {
        let row = if names.starts_with("note") { "n,email,a" } else { "email,a" };
        check(format!("{names}\n{row}\n"), &["email:a"]);
    }
    check("key,value\n", &["The page has a header and no rows."]);
    check("profile\n\n \n", &["The page has a header and no rows."]);
}

#[test]
fn every_line_end_ends_a_row() {
    for end in ["\n", "\r\n", "\r", "\r\r\n", "\n\r"] {
        let lines = ["email:a", "email,b", "\"email:c\"", "email,\"d\"", ""];
        check(lines.join(end), &["email:a", "email:b", "email:c", "email:d"]);
        check(["key,value", "email,a", "email,\"b\""].join(end), &["email:a", "email:b"]);
        check([r#"{"key":"email","value":"a"}"#, r#"["email","b"]"#, ""].join(end), &["email:a", "email:b"]);
    }
    let text = |line| {
        format!(
            "Line {line} has a quoted cell that is not closed on that line: put each row on one line, without line ends in \
             its cells."
        )
    };
    check("key,value\nemail,\"a\n\"\nemail,b\n", &[&text(2)]);
    check("email:a\r\remail:b\r\nnote,\"x\r\nemail:c\"\n", &[&text(4)]);
    check("key,value,note\nemail,a,\"He wrote:\nemail,b\nis my address, \"not old\".\"\n", &[&text(2)]);
}

#[test]
fn fields_that_are_repeated_or_compete_are_rejected() {
    let twice = "The page has `rows`, `data` or `column_names` twice; send each once.";
    check(r#"{"rows":["email:a"],"rows":["email:b"]}"#, &[twice]);
    check(r#"{"rows":["email:a"],"rows":null}"#, &[twice]);
    check(r#"{"column_names":["c"],"data":[["email:a"]],"data":[["email:b"]]}"#, &[twice]);
    check(r#"{"column_names":["c"],"data":[["email:a"]],"column_names":["c"]}"#, &[twice]);
    let both = "The page has both `rows` and `data`; send one of them.";
    check(r#"{"rows":["email:a"],"column_names":["c"],"data":[["email:b"]]}"#, &[both]);
    let columns = "The columns are ambiguous: name `key` and `value`, or `type` and `id` with `user_id` or `profile`, and each of them once.";
    for names in ["key,value,Value", "key,value,user_id,type,id", "user_id,type,id,id"] {
        check(format!("{names}\nemail,a,b\n"), &[columns]);
        let names: Vec<&str> = names.split(',').collect();
        check(json!({"column_names": names, "data": [["email", "a", "b"]]}).to_string(), &[columns]);
    }
    let job = "The page has a field of a job, such as `dry_run`, which a page does not have; create a job with it.";
    check(r#"{"dry_run":true,"rows":["email:a"]}"#, &[job]);
    check(r#"{"column_names":["c"],"data":[["email:a"]],"max_deletions":1}"#, &[job]);
    let names = "`column_names` describes `data`, but the page has `rows`; send both as `data`, or `rows` alone.";
    check(r#"{"column_names":["value","key"],"rows":[["a","email"]]}"#, &[names]);
    check(r#"[{"key":"email","value":"a","user_id":"u","type":"email","id":"e"}]"#, &["UnknownField"]);
    let started = Instant::now();
    let hostile = format!("{{{}{}\"x\":0}}", "\"rows\":0,".repeat(400_000), "\"data\":0,".repeat(400_000));
    check(hostile, &[twice]);
    let quotes = "y\",z,\"\n".repeat(MAX_ROWS);
    assert!(read_sent(quotes.as_bytes()).is_err());
    assert!(started.elapsed().as_secs() < 10, "generous, for a debug build on a busy machine");
}

#[test]
fn a_body_that_is_no_page_is_rejected() {
    let object = "The page is an object without `rows` or `data`, and no row; send a list of rows.";
    for body in [
        r#"{"error":"syntax"}"#,
        r#"{"error":"x","message":"y: z"}"#,
        r#"{"message":"Error: x"}"#,
        r#"{"type":"about:blank","status":404}"#,
        r#"{"data":null}"#,
        "{}",
    ] {
        check(body, &[object]);
    }
    check(r#"{"key":"email"}"#, &["NoColon"]);
    check(r#"{"key":"email","id":"a"}"#, &["MissingField"]);
    for body in ["null", " 123 ", "true", "-1.5e3\n"] {
        check(body, &["The page is a single JSON value; send a list of rows."]);
    }
    let markup = "The page is HTML or XML, perhaps an error of a server; send rows.";
    for body in
        ["<html><body>502 Bad Gateway</body></html>\n", "\n<?xml version=\"1.0\"?>\n<a>email:a</a>", "<!DOCTYPE html>"]
    {
        check(body, &[markup]);
    }
    let none = "No line of the page is a row; send `key:value` lines, or a header such as `key,value` and its rows.";
    for body in [
        "ERROR:  relation \"people\" does not exist\nLINE 1: SELECT * FROM people\n",
        "error: permission denied",
        "FATAL:  password authentication failed\n",
        "ORA-00942: table or view does not exist\n",
        "Traceback (most recent call last):\nValueError: x\n",
        "HTTP/1.1 200 OK\r\nContent-Type: text/csv\r\n\r\n",
        "Query 20261126_1 failed: line 1:8: Column 'x' cannot be resolved",
        "rows=email%3Aa&action=delete_profile",
        "email=a@example.com&type=email",
        "bob@example.com\n",
        "1\n2\n3",
        "no row at all",
    ] {
        check(body, &[none]);
    }
    let part = "--b\r\nContent-Disposition: form-data; name=\"file\"\r\n\r\nemail:a\r\n--b--\r\n";
    let form = "The page is a form of several parts; send the file as the body itself.";
    check(part, &[form]);
    check(part.replace("Content-D", "Content-Type: text/csv\r\nContent-D"), &[form]);
    let read = |body: &str| read_page(body.as_bytes(), "application/x-ndjson").map(|rows| rows.len());
    assert_eq!(read("<html></html>"), Err(PageError::unreadable(markup)));
    assert_eq!(read("email:a\nemail:b\n"), Ok(2));
}

#[test]
fn bytes_that_are_no_text_are_rejected() {
    let twice = gzip(&gzip(b"email:a"));
    assert!(read_sent(&twice).unwrap_err().to_string().starts_with("The body is gzip within gzip;"));
    check(
        b"PK\x03\x04people.csvemail:a\nemail:b\n",
        &[
            "The body is a ZIP archive; send rows as JSON, newline-delimited JSON or CSV, plain or compressed with gzip.",
        ],
    );
    check(b"\xff\xfee\0m\0", &["The body is UTF-16; send it as UTF-8."]);
    check(
        "email:a\nemail:\0\n",
        &["The body has a NUL byte (at 14), so it is binary data or UTF-16; send text as UTF-8."],
    );
    let latin = "Most lines of the page are not UTF-8; send it as UTF-8.";
    check(b"email:jos\xe9\nemail:ren\xe9\nemail:a\n", &[latin]);
    check(b"\"email:jos\xe9\"\n\"email:ren\xe9\"\n", &[latin]);
    check(b"email:jos\xe9\nemail:a\n", &["NotUtf8", "email:a"]);
}

#[test]
fn a_header_of_types_is_rejected() {
    let rejected = |body: &str| {
        let types: IdentifierTypes = serde_json::from_value(json!({ "shoe_size": "none" })).unwrap();
        read_sent(body.as_bytes()).and_then(|rows| reject_wide(&rows, &types)).err().map(|error| error.to_string())
    };
    let text = "The page has columns that are named by types of identifiers: send one identifier a row, as `key:value` or \
                with the columns `key` and `value` (to delete profiles), or `type` and `id` with `user_id` or `profile` (to delete \
                identifiers).";
    for body in [
        "user_id,email\nu,e\n",
        "User_ID, Email\nu,e\n",
        "user_id,shoe_size\n",
        r#"[["user_id","email"],["u","e"]]"#,
        "user_id,email,anonymous_id\n",
        "user_id,email,anonymous_id,ios.id\n",
        "user_id,phone\nu,1\nv,2\n",
        "user_id\nemail:a\n",
        r#"{"column_names":["user_id"],"data":[["email:a"]]}"#,
    ] {
        assert_eq!(rejected(body).as_deref(), Some(text), "{body}");
    }
    for body in [
        "user_id,bob\n",
        "user_id,bob\nnobody,x\n",
        "user_id,bob\nshoe_size,44\nnobody,x\n",
        "key,value\nuser_id,email\n",
        r#"[{"key":"user_id","value":"email"}]"#,
        r#"[{"user_id":"email","type":"email","id":"user_id"}]"#,
        "user_id:email\n",
    ] {
        assert_eq!(rejected(body), None, "{body}");
    }
    check(r#"[{"user_id":"email:a"},{"any":"email:a"}]"#, &["MissingField", "email:a"]);
}

#[test]
fn a_separator_is_read_if_a_header_shows_it() {
    for (name, separator) in [(";", ";"), ("tab", "\t"), ("|", "|")] {
        let rows = format!("email{separator}a,b\nemail{separator}\"c{separator}d\"\n");
        let expected = ["email:a,b".to_owned(), format!("email:c{separator}d")];
        let expected = expected.each_ref().map(String::as_str);
        check(format!("key{separator} value\r\n{rows}"), &expected);
        check(format!("sep={separator}\n{rows}"), &expected);
        check(format!("\u{feff}sep={separator}\r\nkey{separator}value\r\n{rows}"), &expected);
        let text = format!(
            "The page seems to be separated by `{name}`: separate cells by commas, or name the columns in a header."
        );
        check(rows.replace(',', "."), &[&text]);
    }
    assert_eq!(identifiers("user_id;type;id\nu;email;e"), ["user_id:u email:e"]);
    check("email:a;b\nemail:c|d\n", &["email:a;b", "email:c|d"]);
}

#[test]
fn extra_cells_are_treated_alike_for_both_actions() {
    check(
        "key,value,note\nemail,a,x\nemail,b,\nemail,c\nemail,d,x,\nemail,e,x,y\n",
        &["email:a", "email:b", "Cells", "email:d", "Cells"],
    );
    let with_note = "user_id,type,id,note\nu,email,a,x\nu,email,b,\nu,email,c\nu,email,d,x,\nu,email,e,x,y\n";
    let expected = ["user_id:u email:a", "user_id:u email:b", "Cells", "user_id:u email:d", "Cells"];
    assert_eq!(identifiers(with_note), expected);
    check("email,a,\nemail:b,\nemail:c,,,\n", &["email:a", "email:b", "email:c"]);
    assert_eq!(identifiers("u,email,e,\nu,email,f,,\n"), ["user_id:u email:e", "user_id:u email:f"]);
}
