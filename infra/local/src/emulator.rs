//! ministack: the AWS APIs on this machine.

use std::{
    fs,
    net::TcpListener,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
    time::Duration,
};

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};
use ureq::http::Request;

use crate::{
    child::{Leashed, command},
    environment::{ACCESS_KEY_ID, REGION, aws},
    error::{LocalError, Tried},
    http::{self, Answer},
    tools::Tools,
};

/// The secret that template.yaml takes the master key from, unless told otherwise.
const KEY_SECRET: &str = "efface/identifier-key";
/// The bucket that the SAM CLI puts artifacts into.
pub const BUCKET: &str = "efface-artifacts";
const START: Duration = Duration::from_mins(1);
const GLANCE: Duration = Duration::from_millis(200);

/// A running emulator. It forgets everything when it is dropped.
#[derive(Debug)]
pub struct Emulator {
    process: Mutex<Leashed>,
    /// Where all AWS APIs answer.
    pub endpoint: String,
    /// The port of `endpoint`.
    pub port: u16,
}

impl Emulator {
    /// Starts one on a free port of the loopback interface and waits until it answers.
    pub async fn start(tools: &Tools, folder: &Path) -> Result<Self, LocalError> {
        let port = free_port()?;
        let endpoint = format!("http://127.0.0.1:{port}");
        let scratch = scratch(folder)?;
        let mut ministack = command(tools.ministack())?;
        // It hands its environment on to the functions that it runs itself. So it gets nothing of the user's, and
        // its own address, without which their SDKs would call the real AWS.
        ministack.env_clear().envs(aws(&endpoint)).envs(["PATH", "HOME", "LANG"].map(kept).into_iter().flatten());
        ministack.env("GATEWAY_PORT", port.to_string()).env("BIND_HOST", "127.0.0.1");
        // The one listener of its that BIND_HOST does not keep to this machine.
        ministack.env("IOT_MTLS_ENABLED", "0");
        ministack.env("LOG_LEVEL", "WARNING").env("PYTHONWARNINGS", "ignore").env("TMPDIR", scratch);
        let mut emulator = Self { process: Mutex::new(Leashed::start(ministack)?), endpoint, port };
        emulator.ready().await?;
        Ok(emulator)
    }

    async fn ready(&mut self) -> Result<(), LocalError> {
        let deadline = Instant::now() + START;
        let health = format!("{}/_ministack/health", self.endpoint);
        let process = self.process.get_mut().unwrap_or_else(PoisonError::into_inner);
        loop {
            tokio::select! {
                status = process.ended() => return Err(LocalError::EmulatorStart(status?.to_string())),
                answer = http::get(&health) => if answer.status == 200 { return Ok(()) },
            }
            if Instant::now() > deadline {
                return Err(LocalError::EmulatorStart("it does not answer".to_owned()));
            }
            sleep(Duration::from_millis(50)).await;
        }
    }

    /// Waits until it ends by itself, which it should not.
    pub async fn ended(&self) -> LocalError {
        while !self.process.lock().unwrap_or_else(PoisonError::into_inner).is_gone() {
            sleep(GLANCE).await;
        }
        LocalError::EmulatorStopped
    }

    /// Makes what a stack needs before it is deployed: the secret with a new master key, and a bucket.
    pub async fn prepare(&self) -> Result<(), LocalError> {
        let mut key = [0; 32];
        getrandom::fill(&mut key).map_err(std::io::Error::other).tried("randomness")?;
        let body = json!({ "Name": KEY_SECRET, "SecretString": STANDARD.encode(key),
            "ClientRequestToken": "efface-local-efface-local-efface-local" });
        self.call("the secret", "secretsmanager", "secretsmanager.CreateSecret", &body).await?;
        self.request("the bucket", Request::put(format!("{}/{BUCKET}", self.endpoint)), String::new()).await.map(drop)
    }

    /// Calls one of the APIs that take JSON and name the action in a header.
    pub async fn call(
        &self,
        what: &'static str,
        service: &str,
        action: &str,
        body: &Value,
    ) -> Result<Value, LocalError> {
        let request = Request::post(&self.endpoint)
            .header("content-type", "application/x-amz-json-1.1")
            .header("x-amz-target", action)
            .header("authorization", credential(service));
        self.request(what, request, body.to_string()).await.map(|answer| answer.json())
    }

    /// The variables of a deployed function, as the template gives them.
    pub async fn function_variables(&self, function: &str) -> Result<Vec<(String, String)>, LocalError> {
        let settings = self.settings(function).await?;
        let variables = settings["Environment"]["Variables"].as_object().cloned().unwrap_or_default();
        Ok(variables.into_iter().filter_map(|(name, value)| Some((name, value.as_str()?.to_owned()))).collect())
    }

    /// How long a deployed function may run.
    pub async fn function_timeout(&self, function: &str) -> Result<u64, LocalError> {
        let what = "the function's settings";
        let settings = self.settings(function).await?;
        settings["Timeout"].as_u64().ok_or_else(|| LocalError::Emulator { what, text: settings.to_string() })
    }

    async fn settings(&self, function: &str) -> Result<Value, LocalError> {
        let request = Request::get(format!("{}/configuration", self.function(function)));
        Ok(self.request("the function's settings", request, String::new()).await?.json())
    }

    /// Gives a deployed function other code. The processes that run the old one end.
    pub async fn put_code(&self, function: &str, archive: &[u8]) -> Result<(), LocalError> {
        let request = Request::put(format!("{}/code", self.function(function)));
        let body = json!({ "ZipFile": STANDARD.encode(archive) }).to_string();
        self.request("the function's code", request, body).await.map(drop)
    }

    /// Runs a function once; it must answer.
    pub async fn invoke(&self, function: &str, event: &str) -> Result<(), LocalError> {
        let request = Request::post(format!("{}/invocations", self.function(function)));
        let answer = self.request("an event", request, event.to_owned()).await?;
        if answer.headers.contains_key("x-amz-function-error") {
            return Err(LocalError::Unhealthy { function: function.to_owned(), answer: answer.text });
        }
        Ok(())
    }

    /// The mappings from queues to functions.
    pub async fn mappings(&self) -> Result<Vec<Value>, LocalError> {
        let request = Request::get(format!("{}/2015-03-31/event-source-mappings", self.endpoint));
        let mut answer = self.request("the list of mappings", request, String::new()).await?.json();
        Ok(serde_json::from_value(answer["EventSourceMappings"].take()).unwrap_or_default())
    }

    /// CloudFormation makes a number of a parameter where one is wanted. The emulator does not, and then trips over it
    /// and delivers nothing.
    pub(crate) async fn mend_mappings(&self, concurrency: u32) -> Result<(), LocalError> {
        let body = json!({ "ScalingConfig": { "MaximumConcurrency": concurrency } }).to_string();
        for mapping in self.mappings().await? {
            let id = mapping["UUID"].as_str().unwrap_or_default();
            let request = Request::put(format!("{}/2015-03-31/event-source-mappings/{id}", self.endpoint));
            self.request("a mapping", request, body.clone()).await?;
        }
        Ok(())
    }

    fn function(&self, name: &str) -> String {
        format!("{}/2015-03-31/functions/{name}", self.endpoint)
    }

    /// The template of a stack as CloudFormation got it, after the SAM transform.
    pub async fn deployed_template(&self, stack: &str) -> Result<Value, LocalError> {
        let request = Request::post(&self.endpoint)
            .header("content-type", "application/x-www-form-urlencoded")
            .header("authorization", credential("cloudformation"));
        let query = format!("Action=GetTemplate&TemplateStage=Processed&Version=2010-05-15&StackName={stack}");
        let answer = self.request("the stack's template", request, query).await?;
        let template =
            answer.text.split_once("<TemplateBody>").and_then(|(_, rest)| rest.split_once("</TemplateBody>"));
        let [quote, apostrophe, less, greater, and] = ["&quot;", "&#x27;", "&lt;", "&gt;", "&amp;"];
        let json = template.map_or("", |(body, _)| body).replace(quote, "\"").replace(apostrophe, "'");
        let json = json.replace(less, "<").replace(greater, ">").replace(and, "&");
        serde_json::from_str(&json)
            .map_err(|error| LocalError::Emulator { what: "the stack's template", text: error.to_string() })
    }

    /// Sends a request that must succeed.
    pub async fn request(
        &self,
        what: &'static str,
        request: ureq::http::request::Builder,
        body: String,
    ) -> Result<Answer, LocalError> {
        let request = request.body(body).map_err(|error| LocalError::Emulator { what, text: error.to_string() })?;
        let answer = http::send(request, Duration::from_secs(30)).await;
        if (200..300).contains(&answer.status) {
            return Ok(answer);
        }
        Err(LocalError::Emulator { what, text: format!("{} {}", answer.status, answer.text) })
    }
}

/// The emulator reads the account and the service from it, and checks no signature.
fn credential(service: &str) -> String {
    let scope = format!("{ACCESS_KEY_ID}/20260101/{REGION}/{service}/aws4_request");
    format!("AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=0")
}

fn kept(name: &'static str) -> Option<(&'static str, std::ffi::OsString)> {
    std::env::var_os(name).map(|value| (name, value))
}

/// Where it unpacks functions: with our own things, not in the machine's folder for temporary files.
fn scratch(folder: &Path) -> Result<PathBuf, LocalError> {
    let scratch = folder.join("tmp");
    fs::create_dir_all(&scratch).tried(format!("making {}", scratch.display()))?;
    Ok(scratch)
}

/// A port of the loopback interface that nothing listens on.
pub fn free_port() -> Result<u16, LocalError> {
    let listener = TcpListener::bind("127.0.0.1:0").tried("looking for a free port")?;
    Ok(listener.local_addr().tried("looking for a free port")?.port())
}
