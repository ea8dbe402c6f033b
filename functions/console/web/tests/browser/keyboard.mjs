import assert from "node:assert/strict";
import { inPage } from "./watch.mjs";

/** More Tabs than any screen has controls. */
const MOST = 400;

/** Runs in the page: gives each control that can be seen a number. Radio buttons of one group are one control. */
function number() {
  const wanted = "a[href], button, input, select, textarea, summary, [tabindex='0'], [contenteditable='true']";
  const scope = [...document.querySelectorAll("dialog[open]")].at(-1) ?? document;
  const groups = new Set();
  const isSeen = (element) => element.checkVisibility({ visibilityProperty: true }) && !element.matches(":disabled");
  const isOne = ({ type, name }) => type !== "radio" || (!groups.has(name) && Boolean(groups.add(name)));
  const found = [...scope.querySelectorAll(wanted)].filter((element) => isSeen(element) && isOne(element));
  for (const [place, element] of found.entries()) element.dataset.testControl = String(place);
  return found.map((element) => `${element.outerHTML.slice(0, 120)} ${element.textContent.slice(0, 40)}`);
}

/** Runs in the page: which control has the focus, and whether one sees that. */
function focused() {
  const element = document.activeElement;
  if (element === null || element === document.body) return null;
  const { outlineStyle, outlineWidth, boxShadow } = getComputedStyle(element);
  const isOutlined = outlineStyle !== "none" && Number.parseFloat(outlineWidth) > 0;
  const group = element.type === "radio" ? `input[type=radio][name="${element.name}"][data-test-control]` : null;
  const numbered = group === null ? element : (element.ownerDocument.querySelector(group) ?? element);
  const { x, y, width, height } = element.getBoundingClientRect();
  const isOnScreen = x + width > 0 && y + height > 0 && x < innerWidth && y < innerHeight;
  const middle = (from, size, end) => (Math.max(from, 0) + Math.min(from + size, end)) / 2;
  const hit = document.elementFromPoint(middle(x, width, innerWidth), middle(y, height, innerHeight));
  // What lies at its middle is the control, around it, or the label that stands for it.
  const isClear =
    hit !== null && (element.contains(hit) || hit.contains(element) || hit.closest("label")?.control === element);
  return {
    place: numbered.dataset.testControl ?? null,
    isSeen: (isOutlined || boxShadow !== "none") && isOnScreen,
    isCovered: isOnScreen && !isClear,
    html: element.outerHTML.slice(0, 160),
  };
}

const call = (page, inner) => inPage(page, `(${inner})()`);

/** Asserts that the Tab key leads to every control, and that one sees where one is. */
export async function tabThrough(page, where) {
  const controls = await call(page, number);
  const reached = new Set();
  await inPage(page, "document.activeElement?.blur()");
  for (let pressed = 0; pressed < MOST && reached.size < controls.length; pressed += 1) {
    await page.keyboard.press("Tab");
    const now = await call(page, focused);
    if (now === null) continue;
    assert.ok(now.isSeen, `${where}: one does not see the focus of ${now.html}`);
    assert.ok(!now.isCovered, `${where}: something covers ${now.html}`);
    if (now.place !== null) reached.add(Number(now.place));
  }
  const missed = controls.filter((_, place) => !reached.has(place));
  assert.deepEqual(missed, [], `${where}: the Tab key does not lead to these`);
}
