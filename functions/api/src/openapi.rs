//! The OpenAPI document, made from the table of endpoints. `infra/openapi.json` is its committed copy.

use std::collections::BTreeMap;

use efface_core::api_error::ApiError;
use utoipa::{
    PartialSchema,
    openapi::{
        ComponentsBuilder, Content, Header, HeaderBuilder, InfoBuilder, ObjectBuilder, OpenApiBuilder, Paths, RefOr,
        Required, Response, ResponseBuilder, Schema,
        path::{HttpMethod, Operation, OperationBuilder, Parameter, ParameterBuilder},
        request_body::RequestBodyBuilder,
        schema::Type,
        security::{Http, HttpAuthScheme, SecurityRequirement, SecurityScheme},
    },
};

use crate::{
    endpoint::{self, Docs, Location, Method, Spec},
    path,
    permission::PermissionRule,
    pipeline::Endpoint,
    response,
    route::methods,
    routes::{DOCS, ENDPOINTS, path_parameter},
    schema::Components,
};

const DESCRIPTION: &str = "Deletes people's identifiers and profiles from a real-time profile store. Every response is \
    JSON, unless it says otherwise, and has the header `Request-Id`.";

const TOKEN: &str = "token";
const BEARER: &str = "bearer";

/// The header that every POST, DELETE and PATCH takes.
const IDEMPOTENCY_KEY: endpoint::Parameter = endpoint::Parameter {
    name: "Idempotency-Key",
    location: Location::Header,
    required: false,
    description: "1 to 255 visible ASCII characters. For 24 hours the same key with the same request has the same \
        success, and with another request it is a 409.",
    schema: || {
        let schema = ObjectBuilder::new().schema_type(Type::String);
        schema.min_length(Some(1)).max_length(Some(255)).pattern(Some("^[!-~]+$")).build().into()
    },
    example: None,
};

/// The document as JSON text, as it is committed.
///
/// # Errors
/// Where the document cannot be written as JSON.
pub fn json() -> Result<String, serde_json::Error> {
    let (paths, components) = describe();
    // Several endpoints may have the same component.
    let mut components: BTreeMap<String, RefOr<Schema>> = components.into_iter().collect();
    components.insert("ErrorCode".to_owned(), error_codes());
    let components = ComponentsBuilder::new()
        .schemas_from_iter(components)
        .security_scheme(TOKEN, SecurityScheme::Http(Http::new(HttpAuthScheme::Basic)))
        .security_scheme(BEARER, SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer)))
        .build();
    let info = InfoBuilder::new().title("Efface").version(env!("CARGO_PKG_VERSION")).description(Some(DESCRIPTION));
    let token = |name: &str| SecurityRequirement::new(name, Vec::<String>::new());
    let document = OpenApiBuilder::new()
        .info(info.build())
        .paths(paths)
        .components(Some(components))
        .security(Some([token(TOKEN), token(BEARER)]))
        .build();
    Ok(document.to_pretty_json()? + "\n")
}

/// The operations of all endpoints, and the schemas that they refer to.
fn describe() -> (Paths, Components) {
    let mut components = Components::new();
    let mut paths = Paths::new();
    for (Endpoint { spec, .. }, docs) in ENDPOINTS.iter().zip(&DOCS) {
        paths.add_path_operation(spec.path, vec![http_method(spec.method)], operation(spec, docs, &mut components));
    }
    (paths, components)
}

fn http_method(method: Method) -> HttpMethod {
    match method {
        Method::Get => HttpMethod::Get,
        Method::Post => HttpMethod::Post,
        Method::Delete => HttpMethod::Delete,
        Method::Patch => HttpMethod::Patch,
    }
}

fn operation(spec: &Spec, docs: &Docs, components: &mut Components) -> Operation {
    let key = Some(IDEMPOTENCY_KEY).filter(|_| spec.method != Method::Get);
    let parameters =
        path::names(spec.path).filter_map(path_parameter).chain(docs.parameters.iter().copied()).chain(key);
    let mut operation = OperationBuilder::new()
        .operation_id(Some(spec.id))
        .tag(docs.tag)
        .summary(Some(docs.summary))
        .description(Some(docs.description))
        .parameters(Some(parameters.map(parameter)));
    if !docs.request.is_empty() {
        let is_optional = docs.request.iter().all(|one| one.is_optional);
        let required = if is_optional { Required::False } else { Required::True };
        let body = RequestBodyBuilder::new().required(Some(required));
        let body = docs
            .request
            .iter()
            .fold(body, |body, one| body.content(one.media_type, Content::new(Some(one.schema.resolve(components)))));
        operation = operation.request_body(Some(body.build()));
    }
    let is_counted = errors(spec, docs).iter().any(|error| response::status(error) == 429);
    for response in docs.responses {
        let mut described = Response::new(response.description);
        if is_counted {
            described.headers.extend(response::QUOTAS.map(|(name, meaning)| (name.to_owned(), header(meaning).into())));
        }
        for one in response.content {
            let content = Content::new(Some(one.schema.resolve(components)));
            described.content.insert(one.media_type.to_owned(), content.into());
        }
        operation = operation.response(response.success.status().to_string(), described);
    }
    for (status, errors) in by_status(errors(spec, docs)) {
        operation = operation.response(status.to_string(), error_response(status, &errors, components));
    }
    if spec.permission == PermissionRule::Open {
        operation = operation.security(SecurityRequirement::default());
    }
    operation.build()
}

fn parameter(parameter: endpoint::Parameter) -> Parameter {
    ParameterBuilder::new()
        .name(parameter.name)
        .parameter_in(parameter.location.into())
        .required(if parameter.required { Required::True } else { Required::False })
        .description(Some(parameter.description))
        .schema(Some((parameter.schema)()))
        .example(parameter.example.map(Into::into))
        .build()
}

/// The errors of the endpoint and of the router.
fn errors(spec: &Spec, docs: &Docs) -> Vec<ApiError> {
    let mut errors = docs.all_errors(spec);
    if spec.path.contains('{') {
        errors.push(ApiError::NoRoute);
    }
    errors.push(ApiError::MethodNotAllowed(methods(spec.path)));
    errors
}

fn by_status(errors: Vec<ApiError>) -> BTreeMap<u16, Vec<ApiError>> {
    let mut statuses: BTreeMap<u16, Vec<ApiError>> = BTreeMap::new();
    for error in errors {
        statuses.entry(response::status(&error)).or_default().push(error);
    }
    statuses
}

/// Lists the codes of a status with their messages.
fn error_response(status: u16, errors: &[ApiError], components: &mut Components) -> Response {
    let lines: Vec<String> = errors.iter().map(|error| format!("`{}`: {error}", error.code())).collect();
    let description = if lines.len() == 1 { lines.concat() } else { format!("- {}", lines.join("\n- ")) };
    let error = endpoint::Content::json::<response::ErrorBody>();
    let content = Content::new(Some(error.schema.resolve(components)));
    let mut described = ResponseBuilder::new().description(description).content(error.media_type, content);
    for (name, meaning) in response::headers(status, errors) {
        described = described.header(*name, header(meaning));
    }
    described.build()
}

fn header(meaning: &str) -> Header {
    HeaderBuilder::new().schema(Some(String::schema())).description(Some(meaning)).build()
}

/// Every code that an endpoint may respond with.
fn error_codes() -> RefOr<Schema> {
    let all = ENDPOINTS.iter().zip(&DOCS);
    let mut codes: Vec<&str> =
        all.flat_map(|(endpoint, docs)| errors(&endpoint.spec, docs)).map(|error| error.code()).collect();
    codes.sort_unstable();
    codes.dedup();
    ObjectBuilder::new()
        .schema_type(Type::String)
        .description(Some("The code for programs. It is stable."))
        .enum_values(Some(codes))
        .build()
        .into()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One of two types with the same name would describe the bodies of both.
    #[test]
    fn names_of_components_are_unique() {
        let mut seen: BTreeMap<String, RefOr<Schema>> = BTreeMap::new();
        for (name, schema) in describe().1 {
            let first = seen.entry(name.clone()).or_insert_with(|| schema.clone());
            assert!(*first == schema, "two types are called {name}");
        }
    }
}
