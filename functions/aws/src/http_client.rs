//! The HTTP client below the AWS clients: HTTP/1.1 over TLS, because DynamoDB and SQS speak nothing else. It replaces
//! the SDK's default client, which cannot be built without HTTP/2 (`docs/performance.md`). The SDK's timeouts and
//! retries apply as to any client. Proxies are not used.

use std::sync::LazyLock;

use aws_smithy_runtime_api::client::{
    connection::{CaptureSmithyConnection, ConnectionMetadata},
    http::{HttpConnector, HttpConnectorFuture, SharedHttpClient, SharedHttpConnector, http_client_fn},
    orchestrator::{HttpRequest, HttpResponse},
    result::ConnectorError,
};
use aws_smithy_types::body::SdkBody;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::{
    client::legacy::{
        Client,
        connect::{HttpConnector as TcpConnector, capture_connection},
    },
    rt::{TokioExecutor, TokioTimer},
};
use rustls::{ClientConfig, RootCertStore};

/// TLS with the root certificates of the system. Reading them takes milliseconds, so all clients share them.
static TLS: LazyLock<ClientConfig> = LazyLock::new(|| {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    ClientConfig::builder().with_root_certificates(roots).with_no_client_auth()
});

/// A client with connections of its own.
pub(crate) fn http_client() -> SharedHttpClient {
    let mut tcp = TcpConnector::new();
    tcp.enforce_http(false);
    tcp.set_nodelay(true);
    let https = HttpsConnectorBuilder::new().with_tls_config(TLS.clone()).https_or_http().enable_http1();
    let client = Client::builder(TokioExecutor::new()).pool_timer(TokioTimer::new()).build(https.wrap_connector(tcp));
    let connector = SharedHttpConnector::new(Connector(client));
    http_client_fn(move |_, _| connector.clone())
}

#[derive(Debug)]
struct Connector(Client<HttpsConnector<TcpConnector>, SdkBody>);

impl HttpConnector for Connector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let mut request = match request.try_into_http1x() {
            Ok(request) => request,
            Err(error) => return HttpConnectorFuture::ready(Err(ConnectorError::user(error.into()))),
        };
        // After a failure that may be the server's, the SDK gives the connection up and the next attempt opens another.
        let connection = capture_connection(&mut request);
        if let Some(capture) = request.extensions().get::<CaptureSmithyConnection>() {
            capture.set_connection_retriever(move || {
                let connection = connection.clone();
                let poison = move || {
                    if let Some(connected) = connection.connection_metadata().as_ref() {
                        connected.poison();
                    }
                };
                Some(ConnectionMetadata::builder().proxied(false).poison_fn(poison).build())
            });
        }
        let response = self.0.request(request);
        HttpConnectorFuture::new(async move {
            let response = response.await.map_err(|error| ConnectorError::io(error.into()))?;
            HttpResponse::try_from(response.map(SdkBody::from_body_1_x))
                .map_err(|error| ConnectorError::other(error.into(), None))
        })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    };

    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::{TcpListener, TcpStream},
    };

    use crate::{client::dynamodb, config::Config};

    /// Reads requests and responds to each with the next status.
    async fn serve(mut stream: TcpStream, statuses: &[u16], next: &AtomicUsize) {
        let mut request = Vec::new();
        while stream.read_buf(&mut request).await.is_ok_and(|read| read > 0) {
            // The requests of this test end with an object that has an object.
            if request.ends_with(b"}}") {
                assert!(request.starts_with(b"POST / HTTP/1.1\r\n"));
                let status = statuses[next.fetch_add(1, Ordering::Relaxed)];
                let response = format!("HTTP/1.1 {status} -\r\ncontent-length: 2\r\n\r\n{{}}");
                stream.write_all(response.as_bytes()).await.unwrap();
                request.clear();
            }
        }
    }

    /// Reads an item so many times, and checks the number of connections that were opened and of requests.
    async fn check(reads: usize, statuses: &'static [u16], connections: usize) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let config = Config {
            table: "t".to_owned(),
            region: "us-east-1".to_owned(),
            endpoint_url: Some(format!("http://{}", listener.local_addr().unwrap())),
            sqs_endpoint_url: None,
            credentials: Some(("id".to_owned(), "secret".to_owned(), None)),
        };
        let (opened, next) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let (count, served) = (Arc::clone(&opened), Arc::clone(&next));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                count.fetch_add(1, Ordering::Relaxed);
                let served = Arc::clone(&served);
                tokio::spawn(async move { serve(stream, statuses, &served).await });
            }
        });
        let client = dynamodb(&config);
        for _ in 0..reads {
            let read = client.get_item().table_name("t").set_key(Some([].into())).send().await;
            assert!(read.unwrap().item.is_none());
        }
        let seen = (opened.load(Ordering::Relaxed), next.load(Ordering::Relaxed));
        assert_eq!(seen, (connections, statuses.len()), "{statuses:?}");
    }

    #[tokio::test]
    async fn a_connection_is_kept_until_the_server_fails() {
        check(3, &[200, 200, 200], 1).await;
        check(1, &[500, 200], 2).await;
    }
}
