import assert from "node:assert/strict";
import { test } from "node:test";
import { sha256 } from "../../src/receipt/bytes.ts";
import { checkSignature, NoKey, openCheckpoint, readKeys, readNote } from "../../src/receipt/note.ts";
import { checkpointText, KEY, ORIGIN, SigningKey } from "./receipt_log.ts";

/** The example of c2sp.org/signed-note. */
const EXAMPLE = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k";
const NOTE = `This is an example message.

— example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=
`;

test("the example of the specification is signed by its key", async () => {
  const keys = await readKeys(`# from 1 entries to now\n\n ${EXAMPLE}\r\n`);
  assert.deepEqual([keys[0]?.name, keys[0]?.id, keys[0]?.line], ["example.com/foo", "530d903a", EXAMPLE]);
  const note = readNote(NOTE);
  assert.equal(note.text, "This is an example message.\n");
  assert.equal(await checkSignature(note, keys), keys[0]);
  for (let bit = 0; bit < note.text.length * 8; bit += 1) {
    const text = Buffer.from(note.text);
    text[bit >> 3] = (text[bit >> 3] ?? 0) ^ (1 << (bit & 7));
    await assert.rejects(checkSignature({ ...note, text: text.toString("latin1") }, keys), /not valid/);
  }
});

test("a text that is no key, or is no longer the key that it was, is refused", async () => {
  for (const line of [
    "x",
    "example.com/foo",
    EXAMPLE.replace("530d903a", "530d903b"),
    EXAMPLE.replace("530d903a", "530D903A"),
    EXAMPLE.replace("example.com/foo", "example.com/fop"),
    EXAMPLE.replace("example.com/foo", "example com/foo"),
    EXAMPLE.replace("Aeky", "Beky"),
    EXAMPLE.replace("U2k", "U2l"),
    EXAMPLE.slice(0, -4),
    `${EXAMPLE}=`,
    `${EXAMPLE}\n${EXAMPLE}x`,
  ]) {
    await assert.rejects(readKeys(line), NoKey, line);
  }
  assert.deepEqual(await readKeys(" \n# nothing\n"), []);
});

test("a checkpoint is opened with a key of its origin", async () => {
  const text = checkpointText(7, await sha256());
  const keys = await readKeys(KEY.line);
  const opened = await openCheckpoint(`${text}\n${KEY.sign(text)}`, keys);
  assert.deepEqual([opened.origin, opened.size, opened.key], [ORIGIN, 7n, keys[0]]);
  // While a key is replaced, both sign.
  const next = new SigningKey(ORIGIN, 2);
  const both = `${text}\n${KEY.sign(text)}${next.sign(text)}`;
  for (const { line } of [KEY, next]) assert.equal((await openCheckpoint(both, await readKeys(line))).key.line, line);
  const stranger = new SigningKey("other.example.com", 1);
  await assert.rejects(
    openCheckpoint(`${text}\n${stranger.sign(text)}`, await readKeys(stranger.line)),
    /of which no key/,
  );
  for (const bad of [
    `${ORIGIN}\n7\n`,
    `\n7\n${text.split("\n")[2]}\n`,
    text.replace("\n7\n", "\n-7\n"),
    `${text}\nx\n`,
  ]) {
    await assert.rejects(openCheckpoint(`${bad}\n${KEY.sign(bad)}`, keys), { name: "DoesNotHold" });
  }
});
