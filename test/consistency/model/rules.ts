/** The coherence rules of the protocol, one switch per rule; the string states what goes wrong without it. */
export const RULES = {
  beginDestroys:
    'BEGIN deletes the stamps. Otherwise earlier entries stay valid until END, and forever if the writer dies.',
  ownIntents: 'Each writer has a separate intent. Otherwise the first END opens the tag under the others.',
  openSeesIntents:
    'OPEN sets no stamp while an intent lives. Otherwise values read before the COMMIT are cached under it.',
  endWaitsForOthers:
    'END sets a stamp only as the last holder. Otherwise it opens the tag under a writer that has not committed.',
  endNeedsOwn:
    'END sets a stamp only if its own intent exists and is alive. Otherwise it opens a tag whose other intents were lost with it.',
  readerCreates: 'OPEN sets absent stamps. Otherwise nothing is cached again after a loss.',
  unsureAwaitsEnd:
    'A writer whose intent may be gone is acknowledged after END: else what was kept without it is still valid then.',
  commitCheck: 'COMMIT is sent only within the lease. Otherwise its tags are open again by then.',
  epochCheck:
    'An entry of another epoch or server is dead. Otherwise a restart from a snapshot brings old entries back.',
  quarantine: 'After a loss nothing is cached until living writers have declared themselves again.',
  readSeesQuarantine:
    'A read that finds every stamp caches nothing in quarantine either: stamps may have come back from a snapshot.',
  heartbeat: 'A writer whose intent is gone declares it again.',
  joinCloses: 'A flight accepts no more joiners once its result is being checked.',
  joinValidates: 'A joiner gets the result only if the stamps are still the live ones.',
  abandonUnknown: 'After a COMMIT of unknown outcome there is no END.',
  abandonedDeclared:
    'Intents of COMMITs of unknown outcome are declared again like others until their lease expires.',
  leaseCoversDb: 'The lease is longer than a COMMIT can take at the database.',
  dbFence: 'The database refuses a COMMIT that comes after the lease.',
  intentsKept: 'Intents cannot be evicted: their keys have no time to live.',
  allTag: 'A write to unknown rows touches the tag that every pinned read bears.',
  setTag: 'A list bears the tag that every write to its table touches.',
  nullUnderSet: 'A null result has the tag of lists: the row may be inserted without its key being known.',
  prefetchValidated:
    'A prefetched answer has stamps from before its SQL and is used only while they are live.',
  primaryOnly: 'Only results of the primary are cached.',
  everyIntent: 'OPEN makes no epoch while a write to everything is in flight.',
  everyGuard:
    'A write to everything does not hide that the state was lost: BEGIN quarantines an epoch that it finds absent or of another server, and END makes one only on the server that it began on.',
} as const

export type Rule = keyof typeof RULES

export interface Protocol extends Readonly<Record<Rule, boolean>> {
  /** No stamps at all: entries are deleted after the write. */
  readonly naive: boolean
}

const names = Object.keys(RULES) as Rule[]

function protocol(rules: readonly Rule[], naive = false): Protocol {
  return {
    ...(Object.fromEntries(names.map((rule) => [rule, rules.includes(rule)])) as Record<Rule, boolean>),
    naive,
  }
}

export const FULL: Protocol = protocol(names)
export const NAIVE: Protocol = protocol(['readerCreates', 'allTag', 'setTag', 'nullUnderSet'], true)

export function without(...rules: readonly Rule[]): Protocol {
  return protocol(names.filter((rule) => !rules.includes(rule)))
}
