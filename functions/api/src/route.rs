//! Routes: which endpoint a path and a method mean.
//!
//! Paths are matched as they came, not segment by segment through a router: an identifier may hold anything, `/`
//! included where a door has decoded it, and an empty segment is a 400 of its own (contract).

use std::time::Duration;

use efface_core::{api_error::ApiError, job::Control, request::ProfilePath, role::Permission};

/// What a request can ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Endpoint {
    /// Delete one identifier of a profile.
    DeleteIdentifier,
    /// List a profile's identifiers.
    ListExternalIds,
    /// List a profile's traits.
    ListTraits,
    /// Read a profile's metadata.
    ReadMetadata,
    /// Read the record of a deletion.
    ReadDeletion,
    /// Delete a profile whole.
    DeleteProfile,
    /// Delete a page of profiles, as the seed's workflow asks for it.
    BulkDelete,
    /// Make a job.
    CreateJob,
    /// List jobs.
    ListJobs,
    /// Where a job stands.
    ReadJob,
    /// Add a page to a job.
    AddRows,
    /// Start, pause, resume, cancel or redrive a job.
    ControlJob(Control),
    /// What became of a job's rows.
    ListOutcomes,
    /// Whether the function answers.
    Health,
}

impl Endpoint {
    /// Every endpoint.
    pub const ALL: [Self; 18] = [
        Self::DeleteIdentifier,
        Self::ListExternalIds,
        Self::ListTraits,
        Self::ReadMetadata,
        Self::ReadDeletion,
        Self::DeleteProfile,
        Self::BulkDelete,
        Self::CreateJob,
        Self::ListJobs,
        Self::ReadJob,
        Self::AddRows,
        Self::ControlJob(Control::Start),
        Self::ControlJob(Control::Pause),
        Self::ControlJob(Control::Resume),
        Self::ControlJob(Control::Cancel),
        Self::ControlJob(Control::Redrive),
        Self::ListOutcomes,
        Self::Health,
    ];

    /// The method that it answers.
    pub fn method(self) -> &'static str {
        match self {
            Self::DeleteProfile => "DELETE",
            Self::DeleteIdentifier | Self::BulkDelete | Self::CreateJob | Self::AddRows | Self::ControlJob(_) => "POST",
            _ => "GET",
        }
    }

    /// The path with its parameters by name, as the OpenAPI document and the log have it.
    pub fn template(self) -> &'static str {
        match self {
            Self::DeleteIdentifier => {
                "/v1/spaces/{space_id}/collections/{collection}/profiles/{profile}/external_ids/delete"
            }
            Self::ListExternalIds => "/v1/spaces/{space_id}/collections/{collection}/profiles/{profile}/external_ids",
            Self::ListTraits => "/v1/spaces/{space_id}/collections/{collection}/profiles/{profile}/traits",
            Self::ReadMetadata => "/v1/spaces/{space_id}/collections/{collection}/profiles/{profile}/metadata",
            Self::ReadDeletion => "/v1/spaces/{space_id}/deletions/{identifier}",
            Self::DeleteProfile => "/v1/spaces/{space_id}/collections/{collection}/profiles/{profile}",
            Self::BulkDelete => "/internal/bulk-delete-internal",
            Self::CreateJob | Self::ListJobs => "/v1/spaces/{space_id}/deletion_jobs",
            Self::ReadJob => "/v1/spaces/{space_id}/deletion_jobs/{job_id}",
            Self::AddRows => "/v1/spaces/{space_id}/deletion_jobs/{job_id}/rows",
            Self::ControlJob(Control::Start) => "/v1/spaces/{space_id}/deletion_jobs/{job_id}/start",
            Self::ControlJob(Control::Pause) => "/v1/spaces/{space_id}/deletion_jobs/{job_id}/pause",
            Self::ControlJob(Control::Resume) => "/v1/spaces/{space_id}/deletion_jobs/{job_id}/resume",
            Self::ControlJob(Control::Cancel) => "/v1/spaces/{space_id}/deletion_jobs/{job_id}/cancel",
            Self::ControlJob(Control::Redrive) => "/v1/spaces/{space_id}/deletion_jobs/{job_id}/redrive",
            Self::ListOutcomes => "/v1/spaces/{space_id}/deletion_jobs/{job_id}/outcomes",
            Self::Health => "/health",
        }
    }

    /// What a token's role must allow; nothing where no token is asked for. Making a job that deletes identifiers asks
    /// for [`Permission::DeleteIdentifiers`] instead, and who made a job may read and control it.
    pub fn permission(self) -> Option<Permission> {
        match self {
            Self::DeleteIdentifier => Some(Permission::DeleteIdentifiers),
            Self::ListExternalIds | Self::ListTraits | Self::ReadMetadata => Some(Permission::ReadProfiles),
            Self::ReadDeletion => Some(Permission::ReadDeletions),
            Self::DeleteProfile | Self::BulkDelete | Self::CreateJob | Self::AddRows | Self::ControlJob(_) => {
                Some(Permission::DeleteProfiles)
            }
            Self::ListJobs | Self::ReadJob | Self::ListOutcomes => Some(Permission::ReadJobs),
            Self::Health => None,
        }
    }

    /// How long a request may take. A page has up to 100,000 rows to be hashed and stored, or planned.
    pub fn time(self) -> Duration {
        match self {
            Self::BulkDelete | Self::CreateJob | Self::AddRows => Duration::from_secs(25),
            Self::DeleteProfile | Self::ControlJob(_) | Self::ListJobs | Self::ListOutcomes => Duration::from_secs(9),
            _ => Duration::from_millis(2_800),
        }
    }
}

/// An endpoint and the parts of its path, still in the door's encoding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Route<'a> {
    /// What is asked for.
    pub endpoint: Endpoint,
    /// The space's segment; may be empty.
    pub space: &'a str,
    /// The collection's segment; may be empty.
    pub collection: &'a str,
    /// `type:value`, or a job's id; may be anything.
    pub selector: &'a str,
}

impl<'a> Route<'a> {
    /// The route of a path, if it answers the method.
    pub fn find(method: &str, path: &'a str) -> Result<Self, ApiError> {
        let route = Self::of_path(path, method).ok_or(ApiError::NoRoute)?;
        let allowed = match route.endpoint {
            Endpoint::CreateJob | Endpoint::ListJobs => "GET, POST",
            endpoint => endpoint.method(),
        };
        if method == route.endpoint.method() { Ok(route) } else { Err(ApiError::MethodNotAllowed(allowed)) }
    }

    fn of_path(path: &'a str, method: &str) -> Option<Self> {
        let route = |endpoint, space, selector| Self { endpoint, space, collection: "users", selector };
        match path {
            "/health" => return Some(route(Endpoint::Health, "", "")),
            "/internal/bulk-delete-internal" => return Some(route(Endpoint::BulkDelete, "", "")),
            _ => {}
        }
        let (space, rest) = path.strip_prefix("/v1/spaces/")?.split_once('/')?;
        if let Some(selector) = rest.strip_prefix("deletions/") {
            return Some(route(Endpoint::ReadDeletion, space, selector));
        }
        if let Some(rest) = rest.strip_prefix("deletion_jobs") {
            let (endpoint, job) = Self::of_job(rest, method)?;
            return Some(route(endpoint, space, job));
        }
        let (collection, rest) = rest.strip_prefix("collections/")?.split_once('/')?;
        let profile = rest.strip_prefix("profiles/")?;
        let (endpoint, selector) = Self::of_profile(profile, method)?;
        Some(Self { endpoint, space, collection, selector })
    }

    fn of_job(rest: &'a str, method: &str) -> Option<(Endpoint, &'a str)> {
        if rest.is_empty() {
            return Some((if method == "POST" { Endpoint::CreateJob } else { Endpoint::ListJobs }, ""));
        }
        let rest = rest.strip_prefix('/')?;
        let Some((job, verb)) = rest.split_once('/') else { return Some((Endpoint::ReadJob, rest)) };
        let endpoint = match verb {
            "rows" => Endpoint::AddRows,
            "outcomes" => Endpoint::ListOutcomes,
            "start" => Endpoint::ControlJob(Control::Start),
            "pause" => Endpoint::ControlJob(Control::Pause),
            "resume" => Endpoint::ControlJob(Control::Resume),
            "cancel" => Endpoint::ControlJob(Control::Cancel),
            "redrive" => Endpoint::ControlJob(Control::Redrive),
            _ => return None,
        };
        Some((endpoint, job))
    }

    /// The last segment, or the last two, name the endpoint; all before is `type:value`.
    fn of_profile(profile: &'a str, method: &str) -> Option<(Endpoint, &'a str)> {
        if profile == "external_ids/delete" {
            return Some((Endpoint::DeleteIdentifier, ""));
        }
        if let Some(selector) = profile.strip_suffix("/external_ids/delete") {
            return Some((Endpoint::DeleteIdentifier, selector));
        }
        let (selector, last) = profile.rsplit_once('/').unwrap_or((profile, ""));
        match last {
            "external_ids" => Some((Endpoint::ListExternalIds, selector)),
            "traits" => Some((Endpoint::ListTraits, selector)),
            "metadata" => Some((Endpoint::ReadMetadata, selector)),
            // A door that decodes leaves a slash in the value itself.
            _ if method == Endpoint::DeleteProfile.method() || !profile.contains('/') => {
                Some((Endpoint::DeleteProfile, profile))
            }
            _ => None,
        }
    }

    /// The profile's part, for the rules.
    pub fn profile(&self) -> ProfilePath<'a> {
        ProfilePath { collection: self.collection, selector: self.selector }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(path: &str, expected: Option<(Endpoint, &str, &str, &str)>) {
        let found = Route::of_path(path, "GET").map(|r| (r.endpoint, r.space, r.collection, r.selector));
        assert_eq!(found, expected, "{path}");
    }

    #[test]
    fn a_path_finds_its_endpoint() {
        use Endpoint::*;
        let base = "/v1/spaces/s/collections/users/profiles";
        check("/health", Some((Health, "", "users", "")));
        check(&format!("{base}/user_id:u/external_ids/delete"), Some((DeleteIdentifier, "s", "users", "user_id:u")));
        check(
            &format!("{base}/user_id:a/external_ids/delete/external_ids/delete"),
            Some((DeleteIdentifier, "s", "users", "user_id:a/external_ids/delete")),
        );
        check(&format!("{base}/user_id:a/b/traits/traits"), Some((ListTraits, "s", "users", "user_id:a/b/traits")));
        check(&format!("{base}/external_ids/delete"), Some((DeleteIdentifier, "s", "users", "")));
        check(&format!("{base}//external_ids/delete"), Some((DeleteIdentifier, "s", "users", "")));
        check(
            "/v1/spaces//collections//profiles/user_id:u/external_ids/delete",
            Some((DeleteIdentifier, "", "", "user_id:u")),
        );
        check("/v1/spaces/s/deletions/email:a/b", Some((ReadDeletion, "s", "users", "email:a/b")));
        check(&format!("{base}/user_id:u"), Some((DeleteProfile, "s", "users", "user_id:u")));
        check("/internal/bulk-delete-internal", Some((BulkDelete, "", "users", "")));
        check("/v1/spaces/s/deletion_jobs", Some((ListJobs, "s", "users", "")));
        check("/v1/spaces/s/deletion_jobs/j", Some((ReadJob, "s", "users", "j")));
        check("/v1/spaces/s/deletion_jobs/j/redrive", Some((ControlJob(Control::Redrive), "s", "users", "j")));
        check("/v1/spaces/s/deletion_jobs/j/rows/0", None);
        check("/v1/spaces/s/deletion_jobsx", None);
        for nothing in ["", "/", "/v1", "/v1/spaces/s", &format!("{base}/user_id:u/events"), "/health/", "/v2/spaces"] {
            check(nothing, None);
        }
    }

    #[test]
    fn what_is_deleted_may_hold_a_slash_where_a_door_has_decoded_it() {
        let path = "/v1/spaces/s/collections/users/profiles/user_id:a/b";
        let route = Route::find("DELETE", path).unwrap();
        assert_eq!((route.endpoint, route.selector), (Endpoint::DeleteProfile, "user_id:a/b"));
        let list = format!("{path}/traits");
        assert_eq!(
            Route::find("DELETE", &list),
            Err(ApiError::MethodNotAllowed("GET")),
            "a read is not taken for a part of a value"
        );
    }

    #[test]
    fn a_known_path_with_another_method_names_its_own() {
        assert_eq!(Route::find("PUT", "/health"), Err(ApiError::MethodNotAllowed("GET")));
        assert_eq!(Route::find("PUT", "/v1/spaces/s/deletion_jobs"), Err(ApiError::MethodNotAllowed("GET, POST")));
        assert_eq!(
            Route::find("post", "/health"),
            Err(ApiError::MethodNotAllowed("GET")),
            "methods are case-sensitive"
        );
    }
}
