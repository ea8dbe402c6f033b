//! The router: which endpoint a method and a path name.
//!
//! Paths are matched with the templates of the endpoints, and not segment by segment: an identifier may hold anything,
//! `/` included where an event source has decoded it, and an empty segment has an error of its own
//! (`docs/adr/0002`).

use efface_core::api_error::ApiError;

use crate::{
    endpoint::Method,
    path::{PathValues, ends_in_value},
    pipeline::Endpoint,
    routes::ENDPOINTS,
};

/// An endpoint, and the values that the path has for its parameters.
pub(crate) struct Route<'a> {
    pub(crate) endpoint: &'static Endpoint,
    pub(crate) path: PathValues<'a>,
}

impl<'a> Route<'a> {
    /// The endpoint of the template that fits the path with the most literal text, if it has the method. A path that ends within a value, most
    /// likely at a character that should have been encoded, gets an error that says so.
    pub(crate) fn find(method: &str, path: &'a str, has_query: bool) -> Result<Self, ApiError> {
        let fitting = ENDPOINTS.iter().filter_map(|endpoint| {
            let values = PathValues::of(endpoint.spec.path, path)?;
            let is_below = values.selector.contains('/') && has_endpoints_below(endpoint);
            (!is_below || endpoint.spec.method.as_str() == method).then_some((endpoint, values))
        });
        let (found, path) = fitting
            .max_by_key(|(endpoint, _)| literals(endpoint.spec.path))
            .ok_or_else(|| if has_query && is_cut(path) { ApiError::NoRouteOfValue } else { ApiError::NoRoute })?;
        let template = found.spec.path;
        match of_template(template).find(|endpoint| endpoint.spec.method.as_str() == method) {
            Some(endpoint) => Ok(Self { endpoint, path }),
            None if is_method_below(template, method) => Err(ApiError::MethodNotAllowedOfValue(methods(template))),
            None => Err(ApiError::MethodNotAllowed(methods(template))),
        }
    }
}

/// The methods of a path template, as the header `Allow` has them.
pub(crate) fn methods(template: &str) -> &'static str {
    Method::list(of_template(template).map(|endpoint| endpoint.spec.method))
}

/// How many bytes of a template are not parameters: a name of its own comes before a value that reads the same.
fn literals(template: &str) -> usize {
    template.split('{').map(|part| part.rsplit('}').next().unwrap_or(part).len()).sum()
}

fn of_template(template: &str) -> impl Iterator<Item = &'static Endpoint> {
    ENDPOINTS.iter().filter(move |endpoint| endpoint.spec.path == template)
}

/// Whether the path ends in a parameter that other endpoints have segments after. A slash in its value then most likely
/// means an endpoint that there is not: a 404, unless the method says otherwise.
fn has_endpoints_below(endpoint: &Endpoint) -> bool {
    let path = endpoint.spec.path;
    path.ends_with('}') && ENDPOINTS.iter().any(|other| other.spec.path != path && other.spec.path.starts_with(path))
}

/// Whether a path that nothing is at ends with a value that other endpoints have segments after.
fn is_cut(path: &str) -> bool {
    ENDPOINTS.iter().any(|endpoint| {
        let template = endpoint.spec.path;
        ends_in_value(template) && has_endpoints_below(endpoint) && PathValues::of(template, path).is_some()
    })
}

/// Whether a template that ends with a value has the method only with segments after the value.
fn is_method_below(template: &str, method: &str) -> bool {
    let is_below = |path: &str| path != template && path.starts_with(template);
    let has_method = |endpoint: &Endpoint| endpoint.spec.method.as_str() == method;
    ends_in_value(template) && ENDPOINTS.iter().any(|other| is_below(other.spec.path) && has_method(other))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Endpoint, space, collection, selector and job of a path.
    fn check(method: &str, path: &str, expected: (&str, &str, &str, &str, &str)) {
        let Route { endpoint, path: values } =
            Route::find(method, path, false).unwrap_or_else(|error| panic!("{path}: {error}"));
        let PathValues { space, collection, selector, job } = values;
        assert_eq!((endpoint.spec.id, space.unwrap_or("-"), collection, selector, job), expected, "{path}");
    }

    fn error(method: &str, path: &str) -> Option<ApiError> {
        Route::find(method, path, false).err()
    }

    #[test]
    fn a_path_finds_its_endpoint() {
        let base = "/v1/spaces/s/collections/users/profiles";
        let delete = |selector| ("delete_identifier", "s", "users", selector, "");
        check("GET", "/health", ("get_health", "-", "users", "", ""));
        check("POST", &format!("{base}/user_id:u/external_ids/delete"), delete("user_id:u"));
        check(
            "POST",
            &format!("{base}/user_id:a/external_ids/delete/external_ids/delete"),
            delete("user_id:a/external_ids/delete"),
        );
        check("POST", &format!("{base}/external_ids/delete"), delete(""));
        check("POST", &format!("{base}//external_ids/delete"), delete(""));
        check(
            "POST",
            "/v1/spaces//collections//profiles/user_id:u/external_ids/delete",
            ("delete_identifier", "", "", "user_id:u", ""),
        );
        check(
            "GET",
            &format!("{base}/user_id:a/b/traits/traits"),
            ("list_traits", "s", "users", "user_id:a/b/traits", ""),
        );
        check("GET", "/v1/spaces/s/deletions/email:a/b", ("get_deletion", "s", "users", "email:a/b", ""));
        check("GET", "/v1/spaces/s/deletions/counts", ("list_deletion_counts", "s", "users", "", ""));
        check("GET", "/v1/spaces/s/deletions/counts:1", ("get_deletion", "s", "users", "counts:1", ""));
        check("POST", &format!("{base}/email:a/b/plan"), ("plan_profile", "s", "users", "email:a/b", ""));
        check("DELETE", &format!("{base}/user_id:u"), ("delete_profile", "s", "users", "user_id:u", ""));
        check("POST", "/internal/bulk-delete-internal", ("bulk_delete", "-", "users", "", ""));
        check("GET", "/v1/spaces/s/deletion_jobs", ("list_jobs", "s", "users", "", ""));
        check("POST", "/v1/spaces/s/deletion_jobs", ("create_job", "s", "users", "", ""));
        check("GET", "/v1/spaces/s/deletion_jobs/j", ("get_job", "s", "users", "", "j"));
        check("GET", "/v1/spaces/s/deletion_jobs/", ("get_job", "s", "users", "", ""));
        check("POST", "/v1/spaces/s/deletion_jobs/j/redrive", ("redrive_job", "s", "users", "", "j"));
    }

    #[test]
    fn other_paths_find_nothing() {
        let base = "/v1/spaces/s/collections/users/profiles";
        let events = format!("{base}/user_id:u/events");
        for nothing in ["", "/", "/v1", "/v1/spaces/s", &events, "/health/", "/v2/spaces"] {
            assert_eq!(error("GET", nothing), Some(ApiError::NoRoute), "{nothing}");
        }
        for nothing in ["/v1/spaces/s/deletion_jobs/j/rows/0", "/v1/spaces/s/deletion_jobsx"] {
            assert_eq!(error("POST", nothing), Some(ApiError::NoRoute), "{nothing}");
        }
    }

    #[test]
    fn a_profile_to_delete_may_hold_a_slash() {
        let path = "/v1/spaces/s/collections/users/profiles/user_id:a/b";
        check("DELETE", path, ("delete_profile", "s", "users", "user_id:a/b", ""));
        let list = format!("{path}/traits");
        let reason = "a list is not taken for a part of the value";
        assert_eq!(error("DELETE", &list), Some(ApiError::MethodNotAllowed("GET")), "{reason}");
    }

    #[test]
    fn a_known_path_names_its_methods() {
        for (method, path, allowed) in [
            ("PUT", "/health", "GET"),
            ("get", "/health", "GET"),
            ("PUT", "/v1/spaces/s/deletion_jobs", "GET, POST"),
            ("POST", "/v1/spaces/s/deletions/email:a/b", "GET"),
            ("PUT", "/v1/spaces/s/collections/users/profiles/user_id:u", "DELETE"),
            ("HEAD", "/v1/spaces/s/collections/users/profiles/user_id:u", "DELETE"),
            ("PUT", "/v1/spaces/s/deletion_jobs/j", "GET"),
            ("POST", "/v1/spaces/s/collections/users/profiles/user_id:a/b/external_ids", "GET"),
        ] {
            assert_eq!(error(method, path), Some(ApiError::MethodNotAllowed(allowed)), "{method} {path}");
        }
    }

    /// What a client sends for `user_id:u?x` or `user_id:u#x` that it has not encoded.
    #[test]
    fn a_path_that_was_cut_says_so() {
        let path = "/v1/spaces/s/collections/users/profiles/user_id:u";
        for method in ["GET", "POST"] {
            assert_eq!(error(method, path), Some(ApiError::MethodNotAllowedOfValue("DELETE")), "{method}");
        }
        let with_slash = format!("{path}/v");
        let found = |method, has_query| Route::find(method, &with_slash, has_query).err();
        assert_eq!(found("GET", true), Some(ApiError::NoRouteOfValue));
        assert_eq!(found("GET", false), Some(ApiError::NoRoute), "there is just no such list");
        assert_eq!(Route::find("GET", "/v1/spaces/s", true).err(), Some(ApiError::NoRoute), "there is no value");
    }
}
