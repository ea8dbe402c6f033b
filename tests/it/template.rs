//! The template and the SAM settings: what the documentation says of them, and traps that fail silently.

use std::{fs, path::Path};

use serde_yaml_ng::Value;

fn read(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path)).unwrap()
}

fn template() -> Value {
    serde_yaml_ng::from_str(&read("infra/template.yaml")).unwrap()
}

/// The value at a dotted path as text; a `!Ref` to a parameter is the parameter's default.
fn at(template: &Value, path: &str) -> String {
    let mut value = template;
    for part in path.split('.') {
        value = match part.parse::<usize>() {
            Ok(index) => &value[index],
            Err(_) => &value[part],
        };
    }
    match value {
        Value::Tagged(tagged) if tagged.tag == "Ref" => {
            let default = &template["Parameters"][tagged.value.as_str().unwrap()]["Default"];
            text(default)
        }
        value => text(value),
    }
}

fn text(value: &Value) -> String {
    serde_yaml_ng::to_string(value).unwrap().trim().trim_matches('\'').to_owned()
}

/// Each row of the page's table of settings against the template.
#[test]
fn data_retention_says_what_the_template_does() {
    let template = template();
    let page = read("docs/data-retention.md");
    let mut rows = 0;
    for line in page.lines().filter(|line| line.contains("| `Resources.")) {
        let cells: Vec<&str> = line.split('|').map(|cell| cell.trim().trim_matches('`')).collect();
        assert_eq!(at(&template, cells[2]), cells[3], "{}", cells[2]);
        rows += 1;
    }
    assert!(rows >= 12, "the table is there: {rows} rows");
}

/// What the function may do to the table: a new right is a decision, made here, too.
#[test]
fn the_function_has_the_least_rights() {
    let template = template();
    let policies = &template["Resources"]["ApiRole"]["Properties"]["Policies"];
    let mut rights = Vec::new();
    for statement in policies[0]["PolicyDocument"]["Statement"].as_sequence().unwrap() {
        let actions = match &statement["Action"] {
            Value::Sequence(many) => many.iter().map(text).collect(),
            one => vec![text(one)],
        };
        let keys = &statement["Condition"]["ForAllValues:StringLike"]["dynamodb:LeadingKeys"];
        let keys: Vec<String> = keys.as_sequence().unwrap().iter().map(text).collect();
        rights.push(format!("{} on {}", actions.join(" "), keys.join(" ")));
    }
    assert_eq!(
        rights,
        [
            "dynamodb:GetItem dynamodb:BatchGetItem dynamodb:Query on T#* S#* I#* P#* C#*",
            "dynamodb:ConditionCheckItem on I#*",
            "dynamodb:UpdateItem on I#* R#* S#*",
            "dynamodb:PutItem on K#* C#*",
        ]
    );
    assert!(!read("infra/template.yaml").contains("dynamodb:Scan"), "tombstones are found by their keys only");
}

/// SAM's settings that go wrong in silence: see the notes at the top of samconfig.toml.
#[test]
fn samconfig_avoids_the_traps() {
    let settings: toml::Table = read("samconfig.toml").parse().unwrap();
    let sites = [
        ("default", "us-west-2"),
        ("na", "us-west-2"),
        ("euw1", "eu-west-1"),
        ("us", "us-east-1"),
        ("aws-tokyo", "ap-northeast-1"),
        ("ap03", "ap-northeast-1"),
        ("eu01", "eu-central-1"),
    ];
    let mut stacks = Vec::new();
    for (site, region) in sites {
        let command = |name: &str| settings[site][name]["parameters"].as_table().unwrap().clone();
        assert_eq!(command("global")["region"].as_str(), Some(region), "{site}");
        assert_eq!(command("build")["cached"].as_bool(), Some(false), "{site}: cached builds are stale");
        for name in ["build", "validate"] {
            assert_eq!(command(name)["template_file"].as_str(), Some("infra/template.yaml"), "{site} {name}");
        }
        for name in ["deploy", "global"] {
            assert!(!command(name).contains_key("template_file"), "{site} {name} would upload sources");
        }
        stacks.push(command("global")["stack_name"].as_str().unwrap().to_owned());
    }
    stacks.sort();
    stacks.dedup();
    assert_eq!(stacks.len(), sites.len(), "sites in one region do not clash");
}

/// A release that aborts on panic would take its neighbours along.
#[test]
fn the_release_profile_unwinds() {
    let manifest: toml::Table = read("Cargo.toml").parse().unwrap();
    assert_eq!(manifest["profile"]["release"]["panic"].as_str(), Some("unwind"));
    let cargo: toml::Table = read(".cargo/config.toml").parse().unwrap();
    assert_eq!(cargo["env"]["AWS_LC_SYS_NO_JITTER_ENTROPY"].as_str(), Some("1"));
}

/// The README's two commands are what CI runs and what exists.
#[test]
fn the_readme_names_the_commands_that_ci_runs() {
    let readme = read("README.md");
    assert!(readme.contains("cargo local ") && readme.contains("cargo test --workspace "));
    assert!(read(".ci/run").contains("\ncargo test --workspace\n"));
}
