//! A table for each test, and a way to run the command against it.

use std::{
    fs,
    path::PathBuf,
    sync::atomic::{AtomicU32, Ordering},
};

use aws_sdk_dynamodb::{
    Client, Config,
    config::{BehaviorVersion, Credentials, Region},
    types::{AttributeDefinition, AttributeValue, BillingMode, KeySchemaElement, KeyType, ScalarAttributeType},
};
use clap::Parser;
use efface_aws::Store;
use efface_cli::{Cli, CliError, Interrupts, Output};
use tokio::net::TcpListener;

const KEY: &str = "AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA=";

const LOG_KEY: &str = "CAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAg=";

/// A folder and an in-process table.
pub(crate) struct Site {
    folder: PathBuf,
    endpoint: String,
}

impl Site {
    pub(crate) async fn start() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!("site-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
        fs::create_dir_all(&folder).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(dynoxide::server::serve_on(listener, dynoxide::Database::memory().unwrap()));
        let site = Self { folder, endpoint };
        site.create_table("efface").await;
        let settings = format!(
            "EFFACE_TABLE=efface\nEFFACE_IDENTIFIER_KEY={KEY}\nEFFACE_LOG_KEY={LOG_KEY}\nAWS_ENDPOINT_URL={}\nAWS_REGION=us-east-1\n\
             AWS_ACCESS_KEY_ID=000000000000\nAWS_SECRET_ACCESS_KEY=local\n",
            site.endpoint
        );
        site.file("env", &settings);
        site
    }

    /// The file with the settings of this table.
    pub(crate) fn env_file(&self) -> PathBuf {
        self.folder.join("env")
    }

    pub(crate) fn client(&self) -> Client {
        let config = Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("us-east-1"))
            .credentials_provider(Credentials::new("test", "test", None, None, "test"))
            .endpoint_url(&self.endpoint);
        Client::from_conf(config.build())
    }

    /// The table, for what no command does.
    pub(crate) fn store(&self) -> Store {
        Store::new(self.client(), "efface")
    }

    /// Copies all items to a new table.
    pub(crate) async fn restore(&self, table: &str) {
        self.create_table(table).await;
        for item in self.client().scan().table_name("efface").send().await.unwrap().items() {
            self.client().put_item().table_name(table).set_item(Some(item.clone())).send().await.unwrap();
        }
    }

    /// Makes an empty table with the keys of Efface's tables.
    pub(crate) async fn create_table(&self, table: &str) {
        let mut create = self.client().create_table().table_name(table).billing_mode(BillingMode::PayPerRequest);
        for (name, role) in [("pk", KeyType::Hash), ("sk", KeyType::Range)] {
            let text = ScalarAttributeType::S;
            let attribute = AttributeDefinition::builder().attribute_name(name).attribute_type(text).build().unwrap();
            let key = KeySchemaElement::builder().attribute_name(name).key_type(role).build().unwrap();
            create = create.attribute_definitions(attribute).key_schema(key);
        }
        create.send().await.unwrap();
    }

    /// All items as text, sorted so that they can be compared.
    pub(crate) async fn items(&self) -> Vec<String> {
        let reply = self.client().scan().table_name("efface").send().await.unwrap();
        let mut items: Vec<String> = reply
            .items()
            .iter()
            .map(|item| {
                let mut fields: Vec<String> = item.iter().map(|(name, value)| format!("{name}={value:?}")).collect();
                fields.sort();
                fields.join(" ")
            })
            .collect();
        items.sort();
        items
    }

    /// The path of a file in the folder.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    pub(crate) fn file(&self, name: &str, text: &str) -> String {
        let path = self.path(name);
        fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    }

    /// Removes a partition, as if this version had not written it.
    pub(crate) async fn remove(&self, partition: &str) {
        let client = self.client();
        for item in client.scan().table_name("efface").send().await.unwrap().items() {
            if item["pk"].as_s().unwrap() == partition {
                let delete = client.delete_item().table_name("efface");
                delete.key("pk", item["pk"].clone()).key("sk", item["sk"].clone()).send().await.unwrap();
            }
        }
    }

    /// Makes a partition's items unreadable, as if they had been changed by hand.
    pub(crate) async fn damage(&self, partition: &str) {
        let client = self.client();
        for item in client.scan().table_name("efface").send().await.unwrap().items() {
            if item["pk"].as_s().unwrap() == partition {
                let mut item = item.clone();
                item.insert("state".to_owned(), AttributeValue::S("?".to_owned()));
                client.put_item().table_name("efface").set_item(Some(item)).send().await.unwrap();
            }
        }
    }

    /// From now on no identifier key is given.
    pub(crate) fn forget_key(&self) {
        let path = self.path("env");
        let settings = fs::read_to_string(&path).unwrap();
        let rest: Vec<&str> = settings.lines().filter(|line| !line.starts_with("EFFACE_IDENTIFIER_KEY")).collect();
        fs::write(path, rest.join("\n")).unwrap();
    }

    /// Whether a command line can be read.
    pub(crate) fn parse(line: &[&str]) -> Result<(), String> {
        let line = ["efface"].iter().chain(line);
        Cli::try_parse_from(line).map(drop).map_err(|error| error.to_string())
    }

    pub(crate) async fn run(&self, line: &[&str]) -> Result<Output, CliError> {
        self.run_until(line, &Interrupts::never()).await
    }

    pub(crate) async fn run_until(&self, line: &[&str], interrupts: &Interrupts) -> Result<Output, CliError> {
        let env_file = self.folder.join("env");
        let start = ["efface", "--json", "--env-file", env_file.to_str().unwrap()];
        let cli = Cli::try_parse_from(start.iter().chain(line)).map_err(|error| error.to_string()).unwrap();
        efface_cli::run(&cli, &|_| None, interrupts).await
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        _ = fs::remove_dir_all(&self.folder);
    }
}
