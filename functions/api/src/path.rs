//! Path templates: the values that a path has for the parameters of a template.

use efface_core::request::{ProfilePath, USERS};

/// Parameters that may hold slashes: identifiers may hold anything, and some event sources decode the path; names of the
/// log's files have several segments.
const GREEDY: [&str; 4] = ["profile", "identifier", "user", "tile"];

/// The values of a path's parameters, still in the encoding of the event source. Each may be empty.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct PathValues<'a> {
    /// `{space_id}` or `{dataset}`; none where the path does not name a space.
    pub(crate) space: Option<&'a str>,
    /// `{collection}`; `users` where the path does not name one.
    pub(crate) collection: &'a str,
    /// `{profile}` or `{identifier}`: `type:value`; `{user}`: a value; or `{tile}`: a name in the log.
    pub(crate) selector: &'a str,
    /// `{job_id}`.
    pub(crate) job: &'a str,
}

impl<'a> PathValues<'a> {
    /// The values of a path that fits the template.
    ///
    /// A greedy parameter takes everything up to the literal that ends the template. Where that literal has more than
    /// one segment, the parameter may be missing together with its slash: `…/profiles/external_ids/delete` has an empty
    /// profile.
    pub(crate) fn of(mut template: &'static str, mut path: &'a str) -> Option<Self> {
        let mut values = Self { space: None, collection: USERS, selector: "", job: "" };
        while let Some((literal, rest)) = template.split_once('{') {
            path = path.strip_prefix(literal)?;
            let (name, after) = rest.split_once('}')?;
            let value = if GREEDY.contains(&name) {
                let is_missing = after.matches('/').count() > 1 && after.strip_prefix('/') == Some(path);
                if is_missing { "" } else { path.strip_suffix(after)? }
            } else {
                path.split('/').next()?
            };
            path = if GREEDY.contains(&name) { after } else { &path[value.len()..] };
            template = after;
            match name {
                "space_id" | "dataset" => values.space = Some(value),
                "collection" => values.collection = value,
                "job_id" => values.job = value,
                _ => values.selector = value,
            }
        }
        (path == template).then_some(values)
    }

    /// The part that names a profile or an identifier, for the rules.
    pub(crate) fn profile(&self) -> ProfilePath<'a> {
        ProfilePath { collection: self.collection, selector: self.selector }
    }
}

/// Whether a template ends with a parameter that may hold anything.
pub(crate) fn ends_in_value(template: &str) -> bool {
    let last = template.strip_suffix('}').and_then(|start| start.rsplit_once('{'));
    last.is_some_and(|(_, name)| GREEDY.contains(&name))
}

/// The names of a template's parameters, in their order.
pub(crate) fn names(template: &'static str) -> impl Iterator<Item = &'static str> {
    template.split('{').skip(1).filter_map(|rest| Some(rest.split_once('}')?.0))
}
