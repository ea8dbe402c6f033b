//! The receipt for the deletion of an identifier.

use efface_core::{
    api_error::ApiError, identifier::ExternalId, limit::Limit, list, request::Selector, role::Permission,
};
use efface_engine::{Error, log::Which};
use utoipa::openapi::{ObjectBuilder, schema::Type};

use super::errors;
use crate::{
    body::BodyRule,
    context::RequestContext,
    endpoint::{Content, Docs, Location, MEDIUM, Method, Parameter, Spec, SuccessDoc},
    permission::PermissionRule,
    pipeline::Handler,
    response::{Response, Success},
};

/// The only parameter of the query.
const INDEX: &str = "index";

pub(in crate::routes) struct GetReceipt;

impl Handler for GetReceipt {
    const SPEC: Spec = Spec {
        id: "get_receipt",
        method: Method::Get,
        path: "/v1/spaces/{space_id}/receipts/{identifier}",
        permission: PermissionRule::Fixed(Permission::ReadAuditLog),
        deletes: false,
        limit: Some(Limit::Reads),
        time: MEDIUM,
        body: BodyRule::Ignored,
    };

    const DOCS: Docs = Docs {
        tag: "audit log",
        summary: "Get the receipt for a deletion",
        description: "Gets the receipt for the latest deletion of an identifier, also where it is active again: a proof that \
            the log has its entry (c2sp.org/tlog-proof), with the entry and what ties it to the identifier in its `extra` \
            line. Who has the receipt and the identifier can check it without the operator. The receipt lets its holder try \
            out identifiers: keep it as you keep the identifier.",
        parameters: &[Parameter {
            name: INDEX,
            location: Location::Query,
            required: false,
            description: "Another entry about the identifier, by its index in the log: that of an earlier deletion, or of \
                its creation.",
            schema: || ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(0)).build().into(),
            example: None,
        }],
        request: &[],
        responses: &[SuccessDoc {
            success: Success::Done,
            description: "The receipt.",
            content: &[Content::text("text/plain")],
        }],
        errors: || {
            let mut errors = errors();
            errors.extend([ApiError::ReceiptNotFound, ApiError::OtherLogKey]);
            errors
        },
    };

    type Request = (Selector, Which);

    fn parse(cx: &RequestContext<'_>) -> Result<Self::Request, ApiError> {
        let selector = cx.path.profile().parse(cx.request.encoding)?;
        let query = &cx.request.query;
        let others: Vec<_> = query.iter().filter(|(name, _)| name != INDEX).cloned().collect();
        list::no_query_after_value(&others)?;
        list::no_query_but(query, &[INDEX])?;
        let index = query.first().map(|(_, value)| number(value)).transpose()?;
        Ok((selector, index.map_or(Which::LatestDeletion, Which::Numbered)))
    }

    async fn run(cx: &RequestContext<'_>, (selector, which): Self::Request) -> Result<Response, Error> {
        let evidence = cx.evidence()?;
        let types = &cx.access.space.identifier_types;
        let id_type = types.find(&selector.id_type).ok_or(ApiError::ReceiptNotFound)?;
        let identifier = ExternalId { id_type, value: selector.value };
        let hash = cx.access.hash(&identifier.id_type, &identifier.value);
        let (store, space) = (&cx.app.store, &cx.access.space_id);
        let receipt = evidence.receipt_of_identifier(store, space, hash, &identifier, which).await?;
        Ok(Response::text(Success::Done, receipt.to_string()))
    }
}

fn number(value: &str) -> Result<u64, ApiError> {
    let is_plain = !value.is_empty() && value.bytes().all(|b| b.is_ascii_digit());
    let number = value.parse().ok().filter(|_| is_plain);
    number.ok_or_else(|| {
        ApiError::bad_request("The query parameter `{}` must be the number of an entry of the log.", &[&INDEX])
    })
}
