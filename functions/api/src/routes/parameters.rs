//! Parameters that several endpoints have.

use efface_core::list::MAX_LIMIT;
use utoipa::{
    PartialSchema,
    openapi::{ObjectBuilder, RefOr, Schema, schema::Type},
};

use crate::{
    context::RequestContext,
    endpoint::{Location, Parameter},
};

/// How many entries a page of a list has.
pub(super) const LIMIT: Parameter = Parameter {
    name: "limit",
    location: Location::Query,
    required: false,
    description: "The largest number of entries in the page. 25 by default.",
    schema: || {
        let schema = ObjectBuilder::new().schema_type(Type::Integer);
        schema.minimum(Some(1)).maximum(Some(MAX_LIMIT)).build().into()
    },
    example: None,
};

/// Where a list goes on.
pub(super) const NEXT: Parameter = Parameter {
    name: "next",
    location: Location::Query,
    required: false,
    description: "The `next` of the page before. Empty or absent for the first page.",
    schema: String::schema,
    example: None,
};

/// Which entries a list of a profile has.
pub(super) const INCLUDE: Parameter = Parameter {
    name: "include",
    location: Location::Query,
    required: false,
    description: "Only entries of these names, with commas between them: types of identifiers, or names of traits.",
    schema: String::schema,
    example: None,
};

/// How much a list of a profile tells.
pub(super) const VERBOSE: Parameter = Parameter {
    name: "verbose",
    location: Location::Query,
    required: false,
    description: "Whether to tell more of each entry.",
    schema: bool::schema,
    example: None,
};

/// Whether a request accepts a media type by its name.
pub(super) fn accepts(cx: &RequestContext<'_>, media_type: &str) -> bool {
    let values = cx.request.values("accept").iter();
    let mut types =
        values.flat_map(|accept| accept.split(',')).map(|one| one.split(';').next().unwrap_or_default().trim());
    types.any(|one| one.eq_ignore_ascii_case(media_type))
}

/// The label of the jobs that belong together, by the rule of [`Group`](efface_core::job::Group).
pub(super) fn group() -> RefOr<Schema> {
    let schema = ObjectBuilder::new().schema_type(Type::String).min_length(Some(1)).max_length(Some(128));
    schema.pattern(Some("^[!-~]([ -~]*[!-~])?$")).build().into()
}

const PATH: [(&str, &str, &str); 9] = [
    ("space_id", "The space. The token must belong to it.", "spa_demo"),
    ("dataset", "The space. The token must belong to it.", "spa_demo"),
    (
        "user",
        "An identifier of any type. Percent-encode it: a `?` or `#` in it that is not encoded ends the path, and the \
         request is about somebody else.",
        "user_001",
    ),
    ("collection", "Always `users`.", "users"),
    (
        "profile",
        "`type:value` of one of the profile's identifiers. Percent-encode it: a `?` or `#` in it that is not encoded ends \
         the path, and the request is about somebody else. Deleting an identifier takes a `user_id` only; reading also \
         takes `segment_id:use_…`, the profile's own id.",
        "user_id:user_001",
    ),
    (
        "identifier",
        "`type:value`. Percent-encode it: a `?` or `#` in it that is not encoded ends the path, and the request is about \
         somebody else.",
        "email:example@gmail.com",
    ),
    (
        "tile",
        "`{level}/{number}` of a tile or `entries/{number}` of a bundle, with `.p/{width}` after it where it is not full. The \
         number is written as `x001/x234/067`. The slashes are not encoded.",
        "entries/000.p/7",
    ),
    ("segment_id", "The id of the segment.", "seg_vip"),
    ("job_id", "The id of the job.", "job_019b76da1e7b7000a1b2c3d4e5f60718"),
];

/// The parameter of a path template, by its name.
pub(crate) fn path_parameter(name: &str) -> Option<Parameter> {
    let (name, description, example) = PATH.into_iter().find(|(known, ..)| *known == name)?;
    let location = Location::Path;
    Some(Parameter { name, location, required: true, description, schema: String::schema, example: Some(example) })
}
