//! The AWS emulator: ministack, and in front of it the address that takes DynamoDB elsewhere.

use std::{
    fs,
    net::{Ipv4Addr, SocketAddr, TcpListener},
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
    time::Duration,
};

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};
use ureq::http::Request;

use crate::{
    aws_client::{self, AwsClient},
    child::{Supervised, command, log_to},
    environment::{ACCESS_KEY_ID, REGION, aws},
    error::{Context, LocalError},
    front::Front,
    http::{self, HttpResponse},
    logs::{LogEnd, Logs},
    mapping::{self, poller::Poller},
    stack::secrets,
    threads::Threads,
    tools::Tools,
};

/// The bucket that the SAM CLI uploads artifacts to.
pub const BUCKET: &str = "efface-artifacts";
const START: Duration = Duration::from_mins(1);
const POLL_INTERVAL: Duration = Duration::from_millis(200);

/// A running emulator. It is stopped when this value is dropped, and its data is lost.
#[derive(Debug)]
pub struct Emulator {
    /// Where the records of streams are delivered. Dropped before the rest, which it uses.
    streams: Threads,
    process: Mutex<Supervised>,
    /// The endpoint URL of all AWS APIs.
    pub endpoint: String,
    /// The port of `endpoint`.
    pub port: u16,
    front: Front,
    /// ministack's own URL. Of DynamoDB, it has what CloudFormation made: tables that nobody else uses.
    ministack: String,
    log: PathBuf,
}

impl Emulator {
    /// Starts an emulator on a free port of the loopback interface, and waits until it responds.
    pub async fn start(tools: &Tools, folder: &Path) -> Result<Self, LocalError> {
        let mut front = Front::open()?;
        let endpoint = format!("http://{}", front.address);
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, free_port()?));
        let scratch = scratch(folder)?;
        let mut ministack = command(tools.ministack())?;
        // The functions that it runs inherit its environment. So it does not get the user's variables, but the address of
        // all APIs, without which the SDKs of the functions would call the real AWS.
        ministack.env_clear().envs(aws(&endpoint)).envs(["PATH", "HOME", "LANG"].map(inherited).into_iter().flatten());
        ministack.env("GATEWAY_PORT", address.port().to_string()).env("BIND_HOST", "127.0.0.1");
        // This listener ignores BIND_HOST and would be reachable from other machines.
        ministack.env("IOT_MTLS_ENABLED", "0");
        ministack.env("LOG_LEVEL", "WARNING").env("PYTHONWARNINGS", "ignore").env("TMPDIR", scratch);
        let log = Logs::new(folder).emulator;
        log_to(&mut ministack, &log)?;
        front.serve(address)?;
        let process = Mutex::new(Supervised::start(ministack)?);
        let (port, ministack) = (front.address.port(), format!("http://{address}"));
        let streams = Threads::start("streams", 1)?;
        let mut emulator = Self { streams, process, endpoint, port, front, ministack, log };
        emulator.ready().await?;
        Ok(emulator)
    }

    /// Delivers the records of streams to the functions of deployed stacks, from now on. To be called once, as soon as the
    /// functions can run. Records of before are delivered, too.
    pub fn follow_streams(&self) {
        let database = self.front.dynamodb.database.clone();
        self.streams.spawn(Poller { database, client: self.client() }.run());
    }

    async fn ready(&mut self) -> Result<(), LocalError> {
        let deadline = Instant::now() + START;
        let health = format!("{}/_ministack/health", self.ministack);
        let failed = |reason| LocalError::EmulatorStart { reason, log: LogEnd::of(&self.log) };
        let process = self.process.get_mut().unwrap_or_else(PoisonError::into_inner);
        loop {
            tokio::select! {
                status = process.ended() => return Err(failed(status?.to_string())),
                response = http::get(&health) => if response.status == 200 { return Ok(()) },
            }
            if Instant::now() > deadline {
                return Err(failed("it does not respond".to_owned()));
            }
            sleep(Duration::from_millis(50)).await;
        }
    }

    /// Waits until the emulator ends by itself, and returns an error for that.
    pub async fn ended(&self) -> LocalError {
        while !self.process.lock().unwrap_or_else(PoisonError::into_inner).has_ended() {
            sleep(POLL_INTERVAL).await;
        }
        LocalError::EmulatorStopped(LogEnd::of(&self.log))
    }

    /// Creates the bucket that stacks are deployed from.
    pub async fn create_bucket(&self) -> Result<(), LocalError> {
        self.request("the bucket", Request::put(format!("{}/{BUCKET}", self.endpoint)), String::new()).await.map(drop)
    }

    /// Creates a secret with a new key, unless it is there: a stack that is deployed again keeps its keys.
    pub(crate) async fn create_key_secret(&self, name: &str) -> Result<(), LocalError> {
        let mut key = [0; 32];
        getrandom::fill(&mut key).map_err(std::io::Error::other).context("randomness")?;
        let body = json!({ "Name": name, "SecretString": STANDARD.encode(key),
            "ClientRequestToken": "efface-local-efface-local-efface-local" });
        match self.call("the secret", "secretsmanager", "secretsmanager.CreateSecret", &body).await {
            Err(LocalError::Emulator { text, .. }) if text.contains("ResourceExistsException") => Ok(()),
            created => created.map(drop),
        }
    }

    /// The log key of a stack, from its secret: the functions of an earlier version do not have it.
    pub async fn log_key(&self, stack: &str) -> Result<String, LocalError> {
        let body = json!({ "SecretId": secrets(stack)[1] });
        let secret = self.call("the secret", "secretsmanager", "secretsmanager.GetSecretValue", &body).await?;
        Ok(secret["SecretString"].as_str().unwrap_or_default().to_owned())
    }

    /// Sends a request to an API that takes JSON and the action's name in a header. `what` describes it in errors.
    pub async fn call(
        &self,
        what: &'static str,
        service: &str,
        action: &str,
        body: &Value,
    ) -> Result<Value, LocalError> {
        self.client().call(what, service, action, body).await
    }

    fn client(&self) -> AwsClient {
        AwsClient { url: self.endpoint.clone() }
    }

    /// A request to ministack's own DynamoDB, whose tables CloudFormation makes and deletes.
    async fn cloudformation_tables(&self, action: &str, body: &Value) -> Result<Value, LocalError> {
        let action = format!("DynamoDB_20120810.{action}");
        let client = AwsClient { url: self.ministack.clone() };
        client.call("CloudFormation's tables", "dynamodb", &action, body).await
    }

    /// The names of the tables that CloudFormation has made and not deleted.
    pub async fn deployed_tables(&self) -> Result<Vec<String>, LocalError> {
        let found = self.cloudformation_tables("ListTables", &json!({})).await?;
        let names = found["TableNames"].as_array().into_iter().flatten();
        Ok(names.filter_map(|name| Some(name.as_str()?.to_owned())).collect())
    }

    /// Makes the tables of a deployed stack in the DynamoDB that everybody uses. Their time to live comes from the template,
    /// because ministack does not set it.
    pub(crate) async fn copy_tables(&self, stack: &str) -> Result<(), LocalError> {
        let template = self.deployed_template(stack).await?;
        let deployed = self.deployed_tables().await?;
        for (id, resource) in template["Resources"].as_object().into_iter().flatten() {
            let prefix = format!("{stack}-{id}-");
            let is_table = resource["Type"] == "AWS::DynamoDB::Table";
            let Some(name) = deployed.iter().find(|name| is_table && name.starts_with(&prefix)) else { continue };
            let described = self.cloudformation_tables("DescribeTable", &json!({ "TableName": name })).await?;
            let time_to_live = &resource["Properties"]["TimeToLiveSpecification"];
            self.front.dynamodb.copy_table(&described["Table"], time_to_live)?;
        }
        Ok(())
    }

    /// The environment variables of a deployed function.
    pub async fn function_variables(&self, function: &str) -> Result<Vec<(String, String)>, LocalError> {
        let settings = self.settings(function).await?;
        let variables = settings["Environment"]["Variables"].as_object().cloned().unwrap_or_default();
        Ok(variables.into_iter().filter_map(|(name, value)| Some((name, value.as_str()?.to_owned()))).collect())
    }

    /// The timeout of a deployed function, in seconds.
    pub async fn function_timeout(&self, function: &str) -> Result<u64, LocalError> {
        let what = "the function's settings";
        let settings = self.settings(function).await?;
        settings["Timeout"].as_u64().ok_or_else(|| LocalError::Emulator { what, text: settings.to_string() })
    }

    async fn settings(&self, function: &str) -> Result<Value, LocalError> {
        let request = Request::get(format!("{}/configuration", self.function_url(function)));
        Ok(self.request("the function's settings", request, String::new()).await?.json())
    }

    /// Replaces the code of a deployed function. Processes with the old code are ended.
    pub async fn put_code(&self, function: &str, archive: &[u8]) -> Result<(), LocalError> {
        let request = Request::put(format!("{}/code", self.function_url(function)));
        let body = json!({ "ZipFile": STANDARD.encode(archive) }).to_string();
        self.request("the function's code", request, body).await.map(drop)
    }

    /// Invokes a function once. Fails if the function fails.
    pub async fn invoke(&self, function: &str, event: &str) -> Result<(), LocalError> {
        self.client().invoke(function, event).await
    }

    /// The event source mappings from queues and streams to functions.
    pub async fn mappings(&self) -> Result<Vec<Value>, LocalError> {
        self.client().mappings().await
    }

    /// Sets the concurrency of the mappings that have one. CloudFormation converts a parameter to a number where needed;
    /// the emulator does not, and would then deliver nothing. Fails where a mapping from a stream asks for something that
    /// is not done here.
    pub(crate) async fn fix_mappings(&self, concurrency: u32) -> Result<(), LocalError> {
        let body = json!({ "ScalingConfig": { "MaximumConcurrency": concurrency } }).to_string();
        let mappings = self.mappings().await?;
        mapping::of_streams(&mappings)?;
        for mapping in mappings.iter().filter(|mapping| mapping["ScalingConfig"].is_object()) {
            let id = mapping["UUID"].as_str().unwrap_or_default();
            let request = Request::put(format!("{}/2015-03-31/event-source-mappings/{id}", self.endpoint));
            self.request("a mapping", request, body.clone()).await?;
        }
        Ok(())
    }

    fn function_url(&self, name: &str) -> String {
        self.client().function_url(name)
    }

    /// The template of a stack after the SAM transform.
    pub async fn deployed_template(&self, stack: &str) -> Result<Value, LocalError> {
        let request = Request::post(&self.endpoint)
            .header("content-type", "application/x-www-form-urlencoded")
            .header("authorization", credential("cloudformation"));
        let query = format!("Action=GetTemplate&TemplateStage=Processed&Version=2010-05-15&StackName={stack}");
        let response = self.request("the stack's template", request, query).await?;
        let template =
            response.text.split_once("<TemplateBody>").and_then(|(_, rest)| rest.split_once("</TemplateBody>"));
        let [quote, apostrophe, less, greater, and] = ["&quot;", "&#x27;", "&lt;", "&gt;", "&amp;"];
        let json = template.map_or("", |(body, _)| body).replace(quote, "\"").replace(apostrophe, "'");
        let json = json.replace(less, "<").replace(greater, ">").replace(and, "&");
        serde_json::from_str(&json)
            .map_err(|error| LocalError::Emulator { what: "the stack's template", text: error.to_string() })
    }

    /// Sends a request. Fails unless the status is 2xx; `what` describes the request in the error.
    pub async fn request(
        &self,
        what: &'static str,
        request: ureq::http::request::Builder,
        body: String,
    ) -> Result<HttpResponse, LocalError> {
        aws_client::request(what, request, body).await
    }
}

/// An `Authorization` header. The emulator reads the account and the service from it, and does not check the signature.
pub(crate) fn credential(service: &str) -> String {
    let scope = format!("{ACCESS_KEY_ID}/20260101/{REGION}/{service}/aws4_request");
    format!("AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=0")
}

fn inherited(name: &'static str) -> Option<(&'static str, std::ffi::OsString)> {
    std::env::var_os(name).map(|value| (name, value))
}

/// Creates the folder where the emulator unpacks functions, below `folder` instead of the system's temporary folder.
fn scratch(folder: &Path) -> Result<PathBuf, LocalError> {
    let scratch = folder.join("tmp");
    fs::create_dir_all(&scratch).context(format!("making {}", scratch.display()))?;
    Ok(scratch)
}

/// A free port of the loopback interface.
pub fn free_port() -> Result<u16, LocalError> {
    let listener = TcpListener::bind("127.0.0.1:0").context("looking for a free port")?;
    Ok(listener.local_addr().context("looking for a free port")?.port())
}
