//! Authorisation: what an endpoint asks of the token's role, and at which stage that is known.

use efface_core::{
    api_error::ApiError,
    job::{Action, JobId, JobStatus},
    path,
    role::Permission,
};
use efface_engine::{Error, access::Access};

use crate::context::RequestContext;

/// What the token's role must allow. It is checked before any effect: after the request has been parsed or, where the body
/// may be compressed, before it is inflated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PermissionRule {
    /// No token is needed.
    Open,
    /// One permission, known in advance.
    Fixed(Permission),
    /// The permission to make jobs of the action that the body names. A role that may make none is rejected before the body
    /// is read.
    OfAction,
    /// The permission to read, or to control, the job that the path names. Who made a job may do both.
    OfJob {
        /// Whether the job may be changed.
        control: bool,
    },
}

impl PermissionRule {
    /// Examples of the errors that authentication and authorisation give.
    pub(crate) fn errors(self) -> Vec<ApiError> {
        let permissions: &[Permission] = match self {
            Self::Open => return Vec::new(),
            Self::Fixed(permission) => &[permission],
            Self::OfAction | Self::OfJob { control: true } => {
                &[Permission::DeleteProfiles, Permission::DeleteIdentifiers]
            }
            Self::OfJob { control: false } => &[Permission::ReadJobs],
        };
        let mut errors = vec![ApiError::Unauthorized];
        errors.extend(permissions.iter().copied().map(ApiError::RoleMayNot));
        if let Self::OfJob { .. } = self {
            errors.push(ApiError::JobNotFound);
        }
        errors
    }
}

/// Rejects a token whose role may not do what is asked for. Gives the job, where the rule is about one.
pub(crate) async fn authorise(cx: &RequestContext<'_>, rule: PermissionRule) -> Result<Option<JobStatus>, Error> {
    match rule {
        PermissionRule::Fixed(permission) => check(&cx.access, permission)?,
        PermissionRule::OfAction if !may_make(&cx.access) => check(&cx.access, Permission::DeleteProfiles)?,
        PermissionRule::Open | PermissionRule::OfAction => {}
        PermissionRule::OfJob { control } => return job(cx, control).await.map(Some),
    }
    Ok(None)
}

/// Rejects a token whose role may not make jobs of this action.
pub(crate) fn authorise_action(access: &Access, action: Action) -> Result<(), ApiError> {
    check(access, of_action(action))
}

/// Whether the role may make jobs of any action.
fn may_make(access: &Access) -> bool {
    access.role.may(Permission::DeleteProfiles) || access.role.may(Permission::DeleteIdentifiers)
}

fn check(access: &Access, permission: Permission) -> Result<(), ApiError> {
    if access.role.may(permission) { Ok(()) } else { Err(ApiError::RoleMayNot(permission)) }
}

/// What a role needs to make a job, and to control those that others made.
fn of_action(action: Action) -> Permission {
    match action {
        Action::DeleteProfile => Permission::DeleteProfiles,
        Action::DeleteIdentifier => Permission::DeleteIdentifiers,
    }
}

/// The job of the path, where the token may read or control it. A role that can be allowed neither is rejected before
/// the store is asked.
async fn job(cx: &RequestContext<'_>, control: bool) -> Result<JobStatus, Error> {
    let access = &cx.access;
    let may_read = !control && access.role.may(Permission::ReadJobs);
    if !may_make(access) && !may_read {
        let needed = if control { Permission::DeleteProfiles } else { Permission::ReadJobs };
        return Err(ApiError::RoleMayNot(needed).into());
    }
    let id = path::decode(cx.path.job, cx.request.encoding).ok();
    let id = id.and_then(|id| id.parse::<JobId>().ok()).ok_or(ApiError::JobNotFound)?;
    let status = cx.app.store.job(&access.space_id, id).await?;
    let status = status.ok_or(ApiError::JobNotFound)?;
    let needed = of_action(status.head.action);
    let is_own = status.head.token_id == access.token_id;
    if is_own || may_read || access.role.may(needed) {
        return Ok(status);
    }
    Err(ApiError::RoleMayNot(if control { needed } else { Permission::ReadJobs }).into())
}
