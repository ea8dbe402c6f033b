/** What is so for every deletion, and what people ask about first. */
export function Consequences() {
  return (
    <ul>
      <li>It takes effect at once. Nobody can undo it.</li>
      <li>Copies in other systems stay. If one of them sends the person again, the identifiers become active again.</li>
      <li>
        Backups of the table hold the values until they expire: 7 days, unless your operator has set another time.
      </li>
    </ul>
  );
}
