//! What the deletion of one profile, or of one identifier of it, would take, and what would stay.

use std::collections::BTreeSet;

use efface_aws::store::profile::Traits;
use efface_core::{
    api_error::ApiError,
    deletion::Identifier,
    id::ProfileId,
    identifier::{ExternalId, GROUP_ID},
    limit::Limit,
    profile::Head,
    profile_plan::repeats,
    request::{DeleteIdentifier, Selector},
    role::Permission,
    segment::SegmentId,
    time::Time,
};
use efface_engine::{Error, ProfileContents};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::find::{self, find};
use crate::{
    body::BodyRule,
    context::RequestContext,
    endpoint::{Content, Docs, MEDIUM, Method, Spec, SuccessDoc},
    permission::PermissionRule,
    pipeline::Handler,
    response::{Response, Success},
};

/// Traits that are told at most, by number and by the bytes of their names.
const MOST_TRAITS: usize = 1_000;
const MOST_NAME_BYTES: usize = 256 * 1_024;

/// What to plan. Absent or empty: the deletion of the profile.
#[derive(Deserialize, ToSchema)]
#[expect(dead_code, reason = "it is the schema of a body that the rules of a deletion read")]
struct PlanRequest {
    /// The deletion of this identifier.
    #[schema(min_items = 1, max_items = 1)]
    delete_external_ids: Option<Vec<efface_core::request::DeleteBodyId>>,
}

/// A plan.
#[derive(Debug, Serialize, ToSchema)]
struct ProfilePlanBody {
    plan: ProfilePlan,
}

/// What would go and what would stay. Nothing has been changed.
#[derive(Debug, Serialize, ToSchema)]
struct ProfilePlan {
    action: PlannedAction,
    /// The root of the profile.
    profile_id: String,
    goes: ProfileParts,
    stays: ProfileParts,
    /// Of `delete_identifier`: traits that stay and repeat the value of the identifier, in whatever letter case.
    repeats: Vec<Repetition>,
    /// Of `delete_identifier`: whether it is the profile's last `user_id`, which can't be deleted alone.
    is_last_user_id: bool,
    /// False for a very large profile: then the lists are cut.
    is_complete: bool,
}

#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum PlannedAction {
    DeleteProfile,
    DeleteIdentifier,
}

/// Parts of a profile.
#[derive(Debug, Default, Serialize, ToSchema)]
struct ProfileParts {
    external_ids: Vec<PlannedIdentifier>,
    /// The names of traits.
    traits: Vec<String>,
    /// The ids of segments that the profile is a member of.
    segments: Vec<String>,
    /// The members of the merged profile, the root first.
    profiles: Vec<MergedProfile>,
}

/// An identifier of the profile.
#[derive(Debug, Serialize, ToSchema)]
struct PlannedIdentifier {
    /// The member that has it.
    profile_id: String,
    r#type: String,
    id: String,
    created_at: Time,
}

/// A member of the merged profile.
#[derive(Debug, Serialize, ToSchema)]
struct MergedProfile {
    id: String,
    /// The root, of a member that was merged into it; null for the root.
    merged_into: Option<String>,
}

/// A trait whose value repeats that of an identifier.
#[derive(Debug, Serialize, ToSchema)]
struct Repetition {
    /// The name of the trait.
    r#trait: String,
    r#type: String,
    id: String,
}

/// A valid request.
pub(in crate::routes) struct PlanOf {
    lookup: Selector,
    /// The identifier to delete; without one, the profile.
    target: Option<ExternalId>,
}

pub(in crate::routes) struct PlanProfile;

impl Handler for PlanProfile {
    const SPEC: Spec = Spec {
        id: "plan_profile",
        method: Method::Post,
        path: "/v1/spaces/{space_id}/collections/{collection}/profiles/{profile}/plan",
        permission: PermissionRule::Fixed(Permission::ReadProfiles),
        deletes: false,
        limit: Some(Limit::Reads),
        time: MEDIUM,
        body: BodyRule::SMALL_JSON,
    };

    const DOCS: Docs = Docs {
        tag: "profiles",
        summary: "Plan the deletion of a profile",
        description: "Tells what the deletion of a profile would take: its identifiers, traits, memberships and everything that \
            was merged into it. With `delete_external_ids`, as for deleting an identifier, it tells what the deletion of that \
            one would take, what would stay, and which traits that stay repeat its value. It changes nothing, and does not \
            need the space to be activated.",
        parameters: &[],
        request: &[Content::optional_json::<PlanRequest>()],
        responses: &[SuccessDoc {
            success: Success::Done,
            description: "The plan.",
            content: &[Content::json::<ProfilePlanBody>()],
        }],
        errors: || {
            let mut errors = find::errors();
            errors.extend([
                ApiError::OnlyOneExternalId,
                ApiError::UnsupportedType,
                ApiError::TargetIsLookup,
                ApiError::ExternalIdNotFound,
            ]);
            errors
        },
    };

    type Request = PlanOf;

    fn parse(cx: &RequestContext<'_>) -> Result<PlanOf, ApiError> {
        let lookup = cx.path.profile().parse(cx.request.encoding)?;
        let types = &cx.access.space.identifier_types;
        let text: Vec<u8> = cx.body.iter().copied().filter(|byte| !byte.is_ascii_whitespace()).collect();
        let is_of_profile = matches!(text.as_slice(), b"" | b"{}");
        let target = if is_of_profile { None } else { Some(DeleteIdentifier::target(&cx.body, types)?) };
        if lookup.id_type == GROUP_ID {
            return Err(ApiError::UnsupportedType);
        }
        let is_lookup = target.as_ref().is_some_and(|target| {
            target.id_type.as_str() == lookup.id_type
                && types.normalise(&target.id_type, &target.value) == types.normalise(&target.id_type, &lookup.value)
                && target.id_type.is_user_id()
        });
        cx.no_query()?;
        cx.keyed()?;
        if is_lookup { Err(ApiError::TargetIsLookup) } else { Ok(PlanOf { lookup, target }) }
    }

    async fn run(cx: &RequestContext<'_>, PlanOf { lookup, target }: PlanOf) -> Result<Response, Error> {
        // A key that stands for another request is a conflict here, too.
        cx.keyed_request().await?;
        let (space, until) = (&cx.access.space_id, cx.list_until);
        let root = find(cx, &lookup).await?;
        let target = match target {
            Some(target) => Some(found(cx, &root, &target).await?),
            None => None,
        };
        let contents = cx.engine().profile_contents(space, &root, until).await?;
        let is_last_user_id = match &target {
            Some(target) if target.r#type.is_user_id() => {
                !cx.engine().has_another(space, &root, &target.r#type, target, until).await?
            }
            _ => false,
        };
        Response::ok(&ProfilePlanBody { plan: plan(contents, target, is_last_user_id)? })
    }
}

/// The identifier to delete, where the profile has it.
async fn found(cx: &RequestContext<'_>, root: &Head, target: &ExternalId) -> Result<Identifier, Error> {
    let hash = cx.access.hash(&target.id_type, &target.value);
    let found = cx.app.store.identifier(&cx.access.space_id, hash).await?;
    let is_of = |found: &Identifier| {
        found.active_profile().is_some_and(|profile| root.members().any(|member| member == profile))
    };
    Ok(found.filter(is_of).ok_or(ApiError::ExternalIdNotFound)?)
}

fn plan(contents: ProfileContents, target: Option<Identifier>, is_last_user_id: bool) -> Result<ProfilePlan, Error> {
    let ProfileContents { members, identifiers, traits, segments, is_complete } = contents;
    let profile_id = members.first().map(ToString::to_string).unwrap_or_default();
    let Some(target) = target else {
        let (names, has_all) = names(&traits);
        let external_ids = identifiers.into_iter().map(planned).collect::<Result<_, _>>()?;
        return Ok(ProfilePlan {
            action: PlannedAction::DeleteProfile,
            profile_id,
            goes: ProfileParts { external_ids, ..rest(names, &segments, &members) },
            stays: ProfileParts::default(),
            repeats: Vec::new(),
            is_last_user_id,
            is_complete: is_complete && has_all,
        });
    };
    let others =
        identifiers.into_iter().filter(|other| (&other.r#type, &other.value) != (&target.r#type, &target.value));
    let stay = others.map(planned).collect::<Result<_, _>>()?;
    let target = planned(target)?;
    let repeating = traits.iter().filter(|(_, stored)| repeats(stored.value.get(), &target.id)).take(MOST_TRAITS);
    let repeats = repeating
        .map(|(name, _)| Repetition { r#trait: name.clone(), r#type: target.r#type.clone(), id: target.id.clone() })
        .collect();
    let (names, has_all) = names(&traits);
    Ok(ProfilePlan {
        action: PlannedAction::DeleteIdentifier,
        profile_id,
        goes: ProfileParts { external_ids: vec![target], ..ProfileParts::default() },
        stays: ProfileParts { external_ids: stay, ..rest(names, &segments, &members) },
        repeats,
        is_last_user_id,
        is_complete: is_complete && has_all,
    })
}

/// Everything but the identifiers.
fn rest(traits: Vec<String>, segments: &BTreeSet<SegmentId>, members: &[ProfileId]) -> ProfileParts {
    let root = members.first();
    let profile = |member: &ProfileId| MergedProfile {
        id: member.to_string(),
        merged_into: root.filter(|root| *root != member).map(ToString::to_string),
    };
    ProfileParts {
        external_ids: Vec::new(),
        traits,
        segments: segments.iter().map(ToString::to_string).collect(),
        profiles: members.iter().map(profile).collect(),
    }
}

/// The names of traits, and whether these are all.
fn names(traits: &Traits) -> (Vec<String>, bool) {
    let mut bytes = 0;
    let fits = |name: &&String| {
        bytes += name.len();
        bytes <= MOST_NAME_BYTES
    };
    let names: Vec<String> = traits.keys().take(MOST_TRAITS).take_while(fits).cloned().collect();
    let has_all = names.len() == traits.len();
    (names, has_all)
}

fn planned(identifier: Identifier) -> Result<PlannedIdentifier, Error> {
    Ok(PlannedIdentifier {
        profile_id: identifier.profile_id.to_string(),
        r#type: identifier.r#type.to_string(),
        id: identifier.value.ok_or(Error::Fault("an active identifier without a value"))?.into(),
        created_at: identifier.created_at,
    })
}
