//! The tiles and entry bundles of a log.

use efface_core::{api_error::ApiError, limit::Limit, log::Tile, path, role::Permission};
use efface_engine::Error;

use crate::{
    body::BodyRule,
    context::RequestContext,
    endpoint::{Content, Docs, MEDIUM, Method, Spec, SuccessDoc},
    permission::PermissionRule,
    pipeline::Handler,
    response::{Response, Success},
};

pub(in crate::routes) struct GetTile;

impl Handler for GetTile {
    const SPEC: Spec = Spec {
        id: "get_log_tile",
        method: Method::Get,
        path: "/v1/spaces/{space_id}/log/tile/{tile}",
        permission: PermissionRule::Fixed(Permission::ReadAuditLog),
        deletes: false,
        limit: Some(Limit::Reads),
        time: MEDIUM,
        body: BodyRule::Ignored,
    };

    const DOCS: Docs = Docs {
        tag: "audit log",
        summary: "Get a tile or an entry bundle of the log",
        description: "Gets a file of the space's log (c2sp.org/tlog-tiles): a tile of hashes, or a bundle of up to 256 \
            entries. A file never changes. A partial one can also be got when it is full.",
        parameters: &[],
        request: &[],
        responses: &[SuccessDoc {
            success: Success::Done,
            description: "The file.",
            content: &[Content::text("application/octet-stream")],
        }],
        errors: || vec![ApiError::MissingUrlParameters, ApiError::LogFileNotFound, ApiError::JournalOff],
    };

    /// `None` of a name that no log has.
    type Request = Option<Tile>;

    fn parse(cx: &RequestContext<'_>) -> Result<Option<Tile>, ApiError> {
        cx.no_query()?;
        let name = path::decode(cx.path.selector, cx.request.encoding).ok();
        Ok(name.and_then(|name| Tile::parse(&name).ok()))
    }

    async fn run(cx: &RequestContext<'_>, tile: Option<Tile>) -> Result<Response, Error> {
        let reader = cx.evidence()?.reader();
        let tile = tile.ok_or(ApiError::LogFileNotFound)?;
        Response::file(reader.file(&cx.access.space_id, tile).await?.ok_or(ApiError::LogFileNotFound)?)
    }
}
