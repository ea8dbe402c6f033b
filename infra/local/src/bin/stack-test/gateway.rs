//! The emulated API Gateway of one stack.

use std::time::Duration;

use base64::{Engine, engine::general_purpose::STANDARD};
use efface_local::{
    emulator::Emulator,
    error::LocalError,
    http::{self, HttpResponse},
};
use serde_json::json;
use ureq::http::Request;

/// A stack's API.
#[derive(Debug)]
pub(crate) struct Gateway {
    port: u16,
    id: String,
}

impl Gateway {
    /// Finds the API of a stack by its name, and adds what the emulator does not import from the template.
    pub(crate) async fn find(emulator: &Emulator, stack: &str) -> Result<Self, LocalError> {
        let url = format!("{}/restapis", emulator.endpoint);
        let apis = emulator.request("the list of APIs", Request::get(url), String::new()).await?.json();
        let api = apis["item"].as_array().into_iter().flatten().find(|api| api["name"] == stack);
        let Some(id) = api.and_then(|api| api["id"].as_str()) else {
            return Err(LocalError::Emulator { what: "the stack's API", text: apis.to_string() });
        };
        let gateway = Self { port: emulator.port, id: id.to_owned() };
        gateway.complete(emulator, stack).await?;
        Ok(gateway)
    }

    /// Adds the gateway responses and binary media types from the deployed template, because the emulator imports only
    /// the paths.
    async fn complete(&self, emulator: &Emulator, stack: &str) -> Result<(), LocalError> {
        let api = format!("{}/restapis/{}", emulator.endpoint, self.id);
        let body = emulator.deployed_template(stack).await?["Resources"]["Api"]["Properties"]["Body"].take();
        let responses = body["x-amazon-apigateway-gateway-responses"].as_object().cloned().unwrap_or_default();
        for (name, mut response) in responses {
            if let Some(code) = response["statusCode"].as_u64() {
                response["statusCode"] = code.to_string().into();
            }
            let request = Request::put(format!("{api}/gatewayresponses/{name}"));
            emulator.request("a gateway response", request, response.to_string()).await?;
        }
        let binary = json!({ "patchOperations": [{ "op": "replace", "path": "/binaryMediaTypes", "value": ["*/*"] }] });
        emulator.request("a media type", Request::patch(&api), binary.to_string()).await?;
        let deployment = json!({ "stageName": "live" }).to_string();
        emulator.request("a deployment", Request::post(format!("{api}/deployments")), deployment).await.map(drop)
    }

    pub(crate) async fn get(&self, path: &str, token: Option<&str>) -> Result<HttpResponse, LocalError> {
        self.send("GET", path, token, "").await
    }

    /// Sends a request with a token.
    pub(crate) async fn send(
        &self,
        method: &str,
        path: &str,
        token: Option<&str>,
        body: &str,
    ) -> Result<HttpResponse, LocalError> {
        let basic = token.map(basic);
        let headers: Vec<_> = basic.iter().map(|basic| ("authorization", basic.as_str())).collect();
        self.send_with(method, path, &headers, body).await
    }

    /// Sends a request with the given headers. The `host` header selects the API, and the path begins with the stage.
    pub(crate) async fn send_with(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Result<HttpResponse, LocalError> {
        let mut request = Request::builder()
            .method(method)
            .uri(format!("http://127.0.0.1:{}/live{path}", self.port))
            .header("host", format!("{}.execute-api.localhost:{}", self.id, self.port));
        if !headers.iter().any(|(name, _)| *name == "content-type") {
            request = request.header("content-type", "application/json");
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(body.to_owned());
        let request = request.map_err(|error| LocalError::Emulator { what: "a request", text: error.to_string() })?;
        Ok(http::send(request, Duration::from_secs(30)).await)
    }
}

/// A token as the value of the `authorization` header.
pub(crate) fn basic(token: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{token}:")))
}
