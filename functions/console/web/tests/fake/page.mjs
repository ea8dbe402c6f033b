import { badRequest } from "./problem.mjs";

/** The number of a list's parameter `limit`. */
export function limitOf(query, most = 100) {
  const text = query.get("limit");
  if (text === null) return 25;
  const limit = Number(text);
  if (!Number.isInteger(limit) || limit < 1 || limit > most) {
    throw badRequest(`The query parameter \`limit\` must be a number from 1 to ${most}.`);
  }
  return limit;
}

/** A page of a list, with the cursor of the next one. */
export function pageOf(all, { query, path }, most = 100) {
  const limit = limitOf(query, most);
  const next = query.get("next") || "";
  const start = next === "" ? 0 : Number(Buffer.from(next, "base64url").toString().replace("place:", ""));
  if (!Number.isInteger(start) || start < 0) throw badRequest("The query parameter `next` is not of this list.");
  const data = all.slice(start, start + limit);
  const hasMore = start + limit < all.length;
  const cursor = {
    url: path,
    has_more: hasMore,
    next: hasMore ? Buffer.from(`place:${start + limit}`).toString("base64url") : "",
  };
  return { data, cursor };
}

/** The header `Link` of the next page, for lists that are no JSON. */
export function linkOf({ cursor }, { path, query }) {
  if (!cursor.has_more) return {};
  const following = new URLSearchParams(query);
  following.set("next", cursor.next);
  return { Link: `<${path}?${following}>; rel="next"` };
}
