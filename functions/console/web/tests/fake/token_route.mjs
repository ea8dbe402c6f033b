import { unauthorized } from "./problem.mjs";
import { ROLES, tokenId } from "./role.mjs";
import { time } from "./space.mjs";

const HOUR = 3_600_000;
const started = Date.now();

/** Who sends a request. Each role has the tokens `eff_<role>`, `eff_<role>_2`, … */
export function authenticate(spaces, spaceId, authorization = "") {
  const token = authorization.replace(/^(Bearer|TD1)\s+/i, "");
  const role = /^eff_([a-z_]+?)(_\d+)?$/.exec(token)?.[1];
  const space = spaces.get(spaceId);
  if (space === undefined || role === undefined || !(role in ROLES)) throw unauthorized();
  return { space, token, role, tokenId: tokenId(token) };
}

function read({ space, token, role, tokenId: id }) {
  const types = [...space.types].map(([name, normalisation]) => ({ name, normalisation }));
  return {
    body: {
      token: {
        id,
        label: token.endsWith("_2") ? "second person" : `console (${role})`,
        role,
        permissions: ROLES[role],
        created_at: time(started - HOUR),
        expires_at: role === "auditor" ? null : time(started + 8 * HOUR),
      },
      space: {
        id: space.id,
        activated: space.isActivated,
        identifier_types: types,
        limits: {
          deletions_per_second: 100,
          deletions_per_second_per_profile: 100,
          jobs_per_second: 100,
          dry_runs_per_second: 50,
          reads_per_second: 500,
        },
        approval_over: space.approvalOver,
      },
    },
  };
}

export const TOKEN_ROUTES = [["GET", "token", null, read]];
