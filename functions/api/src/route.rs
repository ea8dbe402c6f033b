//! Routes: which endpoint a path and a method mean.
//!
//! Paths are matched as they came, not segment by segment through a router: an identifier may hold anything, `/`
//! included where a door has decoded it, and an empty segment is a 400 of its own (contract).

use efface_core::{refusal::Refusal, request::ProfilePath, role::Permission};

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
    /// Whether the function answers.
    Health,
}

impl Endpoint {
    /// Every endpoint.
    pub const ALL: [Self; 6] = [
        Self::DeleteIdentifier,
        Self::ListExternalIds,
        Self::ListTraits,
        Self::ReadMetadata,
        Self::ReadDeletion,
        Self::Health,
    ];

    /// The method that it answers.
    pub fn method(self) -> &'static str {
        if self == Self::DeleteIdentifier { "POST" } else { "GET" }
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
            Self::Health => "/health",
        }
    }

    /// What a token's role must allow; nothing where no token is asked for.
    pub fn permission(self) -> Option<Permission> {
        match self {
            Self::DeleteIdentifier => Some(Permission::DeleteIdentifiers),
            Self::ListExternalIds | Self::ListTraits | Self::ReadMetadata => Some(Permission::ReadProfiles),
            Self::ReadDeletion => Some(Permission::ReadDeletions),
            Self::Health => None,
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
    /// `type:value`; may be anything.
    pub selector: &'a str,
}

impl<'a> Route<'a> {
    /// The route of a path, if it answers the method.
    pub fn find(method: &str, path: &'a str) -> Result<Self, Refusal> {
        let route = Self::of_path(path).ok_or(Refusal::NoRoute)?;
        let allowed = route.endpoint.method();
        if method == allowed { Ok(route) } else { Err(Refusal::MethodNotAllowed(allowed)) }
    }

    fn of_path(path: &'a str) -> Option<Self> {
        if path == "/health" {
            return Some(Self { endpoint: Endpoint::Health, space: "", collection: "", selector: "" });
        }
        let (space, rest) = path.strip_prefix("/v1/spaces/")?.split_once('/')?;
        if let Some(selector) = rest.strip_prefix("deletions/") {
            return Some(Self { endpoint: Endpoint::ReadDeletion, space, collection: "users", selector });
        }
        let (collection, rest) = rest.strip_prefix("collections/")?.split_once('/')?;
        let profile = rest.strip_prefix("profiles/")?;
        let (endpoint, selector) = Self::of_profile(profile)?;
        Some(Self { endpoint, space, collection, selector })
    }

    /// The last segment, or the last two, name the endpoint; all before is `type:value`.
    fn of_profile(profile: &'a str) -> Option<(Endpoint, &'a str)> {
        if profile == "external_ids/delete" {
            return Some((Endpoint::DeleteIdentifier, ""));
        }
        if let Some(selector) = profile.strip_suffix("/external_ids/delete") {
            return Some((Endpoint::DeleteIdentifier, selector));
        }
        let (selector, last) = profile.rsplit_once('/')?;
        let endpoint = match last {
            "external_ids" => Endpoint::ListExternalIds,
            "traits" => Endpoint::ListTraits,
            "metadata" => Endpoint::ReadMetadata,
            _ => return None,
        };
        Some((endpoint, selector))
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
        let found = Route::of_path(path).map(|r| (r.endpoint, r.space, r.collection, r.selector));
        assert_eq!(found, expected, "{path}");
    }

    #[test]
    fn a_path_finds_its_endpoint() {
        use Endpoint::*;
        let base = "/v1/spaces/s/collections/users/profiles";
        check("/health", Some((Health, "", "", "")));
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
        for nothing in ["", "/", "/v1", "/v1/spaces/s", &format!("{base}/user_id:u/events"), "/health/", "/v2/spaces"] {
            check(nothing, None);
        }
    }

    #[test]
    fn a_known_path_with_another_method_names_its_own() {
        assert_eq!(Route::find("PUT", "/health"), Err(Refusal::MethodNotAllowed("GET")));
        assert_eq!(Route::find("post", "/health"), Err(Refusal::MethodNotAllowed("GET")), "methods are case-sensitive");
    }
}
