//! Delete the users that a file lists.

use std::time::Duration;

use efface_core::{
    api_error::ApiError,
    job::JobState,
    limit::Limit,
    message::Message,
    role::Permission,
    rows::{MAX_SENT, Name, read_names},
};
use efface_engine::{Error, idempotency::KeyedRequest};
use futures::FutureExt;
use multer::{Constraints, Multipart};
use utoipa::ToSchema;

use crate::{
    body::{BodyLimits, BodyRule, unreadable},
    context::RequestContext,
    endpoint::{Content, Docs, LONG, Method, SchemaOf, Spec, SuccessDoc},
    permission::PermissionRule,
    pipeline::Handler,
    response::{Response, Success},
};

/// How long the request carries the deletion out itself before a worker goes on (contract).
const OWN_TIME: Duration = Duration::from_secs(20);

/// The most names of a file.
const MAX_NAMES: usize = 10_000;

/// The most identifiers that may have to be read to look up the names of a file, each by every type of the space.
const MAX_LOOKUPS: usize = 200_000;

/// Ends the sentence "A job that is … can't be …".
const AGAIN: &str = "carried out again; send the file with a new Idempotency-Key";

/// The form field with the file.
const FIELD: &str = "file";

/// The form.
#[derive(ToSchema)]
#[expect(dead_code, reason = "it only describes the form")]
struct UsersForm {
    /// CSV with the header `name` and one identifier a line; at most 10,000 lines.
    #[schema(value_type = String, format = Binary)]
    file: Vec<u8>,
}

pub(in crate::routes) struct DeleteUsers;

/// The form's file, and the names that it lists.
pub(in crate::routes) struct UsersFile {
    file: Vec<u8>,
    names: Vec<Name>,
}

impl Handler for DeleteUsers {
    const SPEC: Spec = Spec {
        id: "delete_users",
        method: Method::Post,
        path: "/api/dataset/{dataset}/users/delete",
        permission: PermissionRule::Fixed(Permission::DeleteProfiles),
        deletes: true,
        limit: Some(Limit::Jobs),
        time: LONG,
        body: BodyRule::Checked(BodyLimits {
            most: MAX_SENT,
            types: &["multipart/form-data"],
            gzip: false,
            unsupported: || ApiError::UnsupportedForm,
        }),
    };

    const DOCS: Docs = Docs {
        tag: "dataset",
        summary: "Delete the users that a file lists",
        description: "Deletes the profiles of a CSV file with the header `name` and one identifier a line, in the form \
            field `file`. An identifier is looked up as a user_id, then as an anonymous_id, then as any other type, unless \
            two types find different profiles. What takes longer than 20 seconds goes on as a job.",
        parameters: &[],
        request: &[Content {
            media_type: "multipart/form-data",
            schema: SchemaOf::component::<UsersForm>(),
            is_optional: false,
        }],
        responses: &[
            SuccessDoc {
                success: Success::Done,
                description: "How many were deleted, and how many lines there were.",
                content: &[Content::text("text/plain")],
            },
            SuccessDoc {
                success: Success::Accepted,
                description: "The same so far, and the path of the job that goes on.",
                content: &[Content::text("text/plain")],
            },
        ],
        errors: || {
            let stopped = ApiError::InvalidState(JobState::Cancelled, AGAIN);
            vec![ApiError::MissingUrlParameters, too_many(MAX_NAMES), stopped]
        },
    };

    type Request = UsersFile;

    fn parse(cx: &RequestContext<'_>) -> Result<UsersFile, ApiError> {
        // A form can be sent by any web page, with a token that the browser's user once entered.
        if cx.request.is_from_page() {
            return Err(ApiError::UnsupportedForm);
        }
        let file = file(cx.request.header("content-type")?.unwrap_or_default(), &cx.body)?;
        let most = MAX_NAMES.min(MAX_LOOKUPS / cx.access.space.identifier_types.all().count());
        let names = read_names(&file, most + 1).map_err(unreadable)?;
        if names.len() > most {
            return Err(too_many(most));
        }
        cx.no_query()?;
        cx.keyed()?;
        Ok(UsersFile { file, names })
    }

    async fn run(cx: &RequestContext<'_>, UsersFile { file, names }: UsersFile) -> Result<Response, Error> {
        // The form around the file differs each time: clients choose its boundary at random.
        let keyed = cx.keyed()?.map(|keyed| KeyedRequest { body: &file, ..keyed });
        let (request, _) = cx.engine().resolve(&cx.caller(), keyed).await?;
        let status = cx.engine().delete_names(&cx.caller(), &names, request, OWN_TIME).await?;
        let text = format!("Deleted {} users ({} requested)", status.progress.counts.deleted, names.len());
        match status.head.state {
            JobState::Completed => return Ok(Response::text(Success::Done, text)),
            // Somebody has stopped it: the count alone would look as if nobody had been there.
            state if state.is_final() => return Err(ApiError::InvalidState(state, AGAIN).into()),
            _ => {}
        }
        let job = format!("/v1/spaces/{}/deletion_jobs/{}", cx.access.space_id, status.head.job_id);
        Ok(Response::text(Success::Accepted, format!("{text}\n{job}")))
    }
}

fn too_many(most: usize) -> ApiError {
    ApiError::PageTooLarge(Message::new("A file must have at most {} lines; send smaller files.", &[&most]))
}

/// The file of a form. All of the form is there already, so that reading it never waits.
fn file(media_type: &str, form: &[u8]) -> Result<Vec<u8>, ApiError> {
    let bad = || ApiError::bad_request("The form can't be read; send multipart/form-data with the field `file`.", &[]);
    let boundary = multer::parse_boundary(media_type).map_err(|_| bad())?;
    let whole = futures::stream::iter([Ok::<_, std::convert::Infallible>(form.to_vec())]);
    let mut parts = Multipart::with_constraints(whole, boundary, Constraints::new());
    let read = async {
        let mut file = None;
        while let Some(part) = parts.next_field().await? {
            let is_file = part.name() == Some(FIELD);
            let bytes = part.bytes().await?;
            if is_file && file.replace(bytes).is_some() {
                return Ok(None);
            }
        }
        Ok::<_, multer::Error>(file)
    };
    let file = read.now_or_never().and_then(Result::ok).ok_or_else(bad)?;
    let file = file.ok_or_else(|| ApiError::bad_request("The form must have the field `file` exactly once.", &[]))?;
    Ok(file.to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form(parts: &[(&str, &str)]) -> Vec<u8> {
        let part = |(name, text): &(&str, &str)| {
            format!("--b\r\nContent-Disposition: form-data; name=\"{name}\"; filename=\"f.csv\"\r\n\r\n{text}\r\n")
        };
        (parts.iter().map(part).collect::<String>() + "--b--\r\n").into_bytes()
    }

    #[test]
    fn the_file_of_a_form_is_found() {
        let media_type = "multipart/form-data; boundary=b";
        let body = form(&[("note", "x"), ("file", "name\nu1\n")]);
        assert_eq!(file(media_type, &body).unwrap(), b"name\nu1\n");
        for (media_type, body) in [
            ("multipart/form-data", &body[..]),
            ("multipart/form-data; boundary=c", &body[..]),
            (media_type, &body[..body.len() - 8]),
            (media_type, b""),
            (media_type, &form(&[("files", "name\nu1\n")])[..]),
            (media_type, &form(&[("file", "name\nu1\n"), ("file", "name\nu2\n")])[..]),
        ] {
            assert!(matches!(file(media_type, body), Err(ApiError::BadRequest(_))), "{media_type}");
        }
    }
}
