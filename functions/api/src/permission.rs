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
    /// Any valid token of the space, whatever its role.
    AnyToken,
    /// One permission, known in advance.
    Fixed(Permission),
    /// The permission to make jobs of the action that the body names. A role that may make none is rejected before the body
    /// is read.
    OfAction,
    /// The permission to read the jobs of others. A role that may make jobs may ask for those of its own token.
    OfJobs,
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
            Self::AnyToken => &[],
            Self::Fixed(permission) => &[permission],
            Self::OfAction => &[Permission::DeleteProfiles, Permission::DeleteIdentifiers],
            Self::OfJob { control: true } => {
                &[Permission::DeleteProfiles, Permission::DeleteIdentifiers, Permission::ManageSegments]
            }
            Self::OfJobs | Self::OfJob { control: false } => &[Permission::ReadJobs],
        };
        let mut errors = vec![ApiError::Unauthorized];
        errors.extend(permissions.iter().copied().map(ApiError::RoleMayNot));
        if let Self::OfJob { .. } = self {
            errors.push(ApiError::JobNotFound);
        }
        errors
    }
}

/// Rejects a token whose role may not do what is asked for, as far as the role decides it alone and before the body is
/// read.
pub(crate) fn check_role(access: &Access, rule: PermissionRule) -> Result<(), ApiError> {
    match rule {
        PermissionRule::Fixed(permission) => check(access, permission),
        PermissionRule::OfAction if !may_make_of_rows(access) => check(access, Permission::DeleteProfiles),
        PermissionRule::Open | PermissionRule::AnyToken | PermissionRule::OfAction => Ok(()),
        PermissionRule::OfJobs if may_make(access) => Ok(()),
        PermissionRule::OfJobs => check(access, Permission::ReadJobs),
        PermissionRule::OfJob { control } if may_read(access, control) || may_make(access) => Ok(()),
        PermissionRule::OfJob { control: true } => Err(ApiError::RoleMayNot(Permission::DeleteProfiles)),
        PermissionRule::OfJob { control: false } => Err(ApiError::RoleMayNot(Permission::ReadJobs)),
    }
}

/// Rejects a token whose role may not make jobs of this action.
pub(crate) fn check_action(access: &Access, action: Action) -> Result<(), ApiError> {
    check(access, of_action(action))
}

/// Rejects a token whose role may not read the jobs of others, where the request does not ask for its own only.
pub(crate) fn check_jobs(access: &Access, rule: PermissionRule, is_own: bool) -> Result<(), ApiError> {
    if rule == PermissionRule::OfJobs && !is_own { check(access, Permission::ReadJobs) } else { Ok(()) }
}

fn check(access: &Access, permission: Permission) -> Result<(), ApiError> {
    if access.role.may(permission) { Ok(()) } else { Err(ApiError::RoleMayNot(permission)) }
}

/// What a role needs to make a job, and to control those that others made.
fn of_action(action: Action) -> Permission {
    match action {
        Action::DeleteProfile => Permission::DeleteProfiles,
        Action::DeleteIdentifier => Permission::DeleteIdentifiers,
        Action::DeleteSegment => Permission::ManageSegments,
    }
}

/// Whether the role may read all jobs, where that is all that is asked for.
fn may_read(access: &Access, control: bool) -> bool {
    !control && access.role.may(Permission::ReadJobs)
}

/// Whether the role may make some jobs, which it may then read and control.
fn may_make(access: &Access) -> bool {
    may_make_of_rows(access) || access.role.may(Permission::ManageSegments)
}

/// Whether the role may make jobs of rows that it sends.
fn may_make_of_rows(access: &Access) -> bool {
    access.role.may(Permission::DeleteProfiles) || access.role.may(Permission::DeleteIdentifiers)
}

/// The job of the path, for a token whose role was checked.
pub(crate) async fn job_of_path(cx: &RequestContext<'_>) -> Result<JobStatus, Error> {
    let id = path::decode(cx.path.job, cx.request.encoding).ok();
    let id = id.and_then(|id| id.parse::<JobId>().ok()).ok_or(ApiError::JobNotFound)?;
    Ok(cx.app.store.job(&cx.access.space_id, id).await?.ok_or(ApiError::JobNotFound)?)
}

/// The job of the path, where the token may read or control it.
pub(crate) async fn find_job(cx: &RequestContext<'_>, control: bool) -> Result<JobStatus, Error> {
    let access = &cx.access;
    let status = job_of_path(cx).await?;
    let needed = of_action(status.head.action);
    let is_own = status.head.token_id == access.token_id;
    if is_own || may_read(access, control) || access.role.may(needed) {
        return Ok(status);
    }
    Err(ApiError::RoleMayNot(if control { needed } else { Permission::ReadJobs }).into())
}
