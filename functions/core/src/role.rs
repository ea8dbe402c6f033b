//! Roles and what each may do (contract: the table of roles in `docs/api.md`).

use std::{fmt, str::FromStr};

use thiserror::Error;

/// The role of a token: it decides what the token's holder may do.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize, utoipa::ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Everything.
    WorkspaceOwner,
    /// Deletes identifiers, singly and in jobs; reads profiles and deletions.
    IdentityAdmin,
    /// The same as [`IdentityAdmin`](Self::IdentityAdmin), under the name of the administrators of Unify and Engage.
    UnifyEngageAdmin,
    /// Deletes profiles, singly and in jobs; reads profiles, deletions, jobs and the audit log.
    PrivacyAdmin,
    /// Changes segments and deletes their members; reads segments and profiles.
    Administrator,
    /// Reads profiles, segments and deletions.
    ProfileReader,
    /// Reads deletions, jobs and the audit log.
    Auditor,
}

/// What an endpoint requires of the token's role.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Permission {
    /// Delete identifiers, singly and in jobs.
    DeleteIdentifiers,
    /// Read a profile's identifiers, traits and metadata.
    ReadProfiles,
    /// Read the record of a deletion.
    ReadDeletions,
    /// Delete profiles, singly, in jobs and through `/internal/bulk-delete-internal`.
    DeleteProfiles,
    /// Read jobs that other tokens made.
    ReadJobs,
    /// Read segments and their members.
    ReadSegments,
    /// Change segments, and delete their members.
    ManageSegments,
    /// Read the audit log: its files and its entries, and receipts.
    ReadAuditLog,
}

impl Permission {
    /// Every permission, in the order of `docs/api.md`.
    pub const ALL: [Self; 8] = [
        Self::DeleteIdentifiers,
        Self::DeleteProfiles,
        Self::ReadProfiles,
        Self::ReadDeletions,
        Self::ReadJobs,
        Self::ReadSegments,
        Self::ManageSegments,
        Self::ReadAuditLog,
    ];

    /// The words that end the message "The token's role may not …" of a 403.
    pub fn as_words(self) -> &'static str {
        match self {
            Self::DeleteIdentifiers => "delete identifiers",
            Self::ReadProfiles => "read profiles",
            Self::ReadDeletions => "read deletions",
            Self::DeleteProfiles => "delete profiles",
            Self::ReadJobs => "read jobs",
            Self::ReadSegments => "read segments",
            Self::ManageSegments => "change segments or delete their members",
            Self::ReadAuditLog => "read the audit log",
        }
    }
}

impl Role {
    /// Every role, in the order of `docs/api.md`.
    pub const ALL: [Self; 7] = [
        Self::WorkspaceOwner,
        Self::IdentityAdmin,
        Self::UnifyEngageAdmin,
        Self::PrivacyAdmin,
        Self::Administrator,
        Self::ProfileReader,
        Self::Auditor,
    ];

    /// The name in configuration, token records and responses.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::WorkspaceOwner => "workspace_owner",
            Self::IdentityAdmin => "identity_admin",
            Self::UnifyEngageAdmin => "unify_engage_admin",
            Self::PrivacyAdmin => "privacy_admin",
            Self::Administrator => "administrator",
            Self::ProfileReader => "profile_reader",
            Self::Auditor => "auditor",
        }
    }

    /// What the role allows, in the order of [`Permission::ALL`].
    pub fn permissions(self) -> impl Iterator<Item = Permission> {
        Permission::ALL.into_iter().filter(move |permission| self.may(*permission))
    }

    /// Whether this role has the permission.
    pub fn may(self, permission: Permission) -> bool {
        use Permission::{
            DeleteIdentifiers, DeleteProfiles, ManageSegments, ReadAuditLog, ReadDeletions, ReadJobs, ReadProfiles,
            ReadSegments,
        };
        match self {
            Self::WorkspaceOwner => true,
            Self::IdentityAdmin | Self::UnifyEngageAdmin => {
                matches!(permission, DeleteIdentifiers | ReadProfiles | ReadDeletions)
            }
            Self::PrivacyAdmin => {
                matches!(permission, DeleteProfiles | ReadProfiles | ReadDeletions | ReadJobs | ReadAuditLog)
            }
            Self::ProfileReader => matches!(permission, ReadProfiles | ReadDeletions | ReadSegments),
            Self::Administrator => matches!(permission, ReadProfiles | ReadSegments | ManageSegments),
            Self::Auditor => matches!(permission, ReadDeletions | ReadJobs | ReadAuditLog),
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// No role has this name.
#[derive(Debug, Error)]
#[error(
    "unknown role `{0}`; the roles are workspace_owner, identity_admin, unify_engage_admin, privacy_admin, \
     administrator, profile_reader, auditor"
)]
pub struct UnknownRole(String);

impl FromStr for Role {
    type Err = UnknownRole;

    fn from_str(name: &str) -> Result<Self, UnknownRole> {
        Self::ALL.into_iter().find(|role| role.as_str() == name).ok_or_else(|| UnknownRole(name.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_round_trip_through_text_and_json() {
        for role in Role::ALL {
            assert_eq!(role.as_str().parse::<Role>().unwrap(), role);
            assert_eq!(serde_json::to_value(role).unwrap(), role.as_str());
        }
    }

    #[test]
    fn few_roles_delete() {
        let may: Vec<_> = Role::ALL.into_iter().filter(|r| r.may(Permission::DeleteIdentifiers)).collect();
        assert_eq!(may, [Role::WorkspaceOwner, Role::IdentityAdmin, Role::UnifyEngageAdmin]);
        let may: Vec<_> = Role::ALL.into_iter().filter(|r| r.may(Permission::DeleteProfiles)).collect();
        assert_eq!(may, [Role::WorkspaceOwner, Role::PrivacyAdmin]);
        let may: Vec<_> = Role::ALL.into_iter().filter(|r| r.may(Permission::ManageSegments)).collect();
        assert_eq!(may, [Role::WorkspaceOwner, Role::Administrator]);
        let may: Vec<_> = Role::ALL.into_iter().filter(|r| r.may(Permission::ReadAuditLog)).collect();
        assert_eq!(may, [Role::WorkspaceOwner, Role::PrivacyAdmin, Role::Auditor]);
    }
}
