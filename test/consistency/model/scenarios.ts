import { EVERY, type Fault, type Read, type ReaderPlan, type Scenario, type WriterPlan } from './scenario.ts'

const readX: Read = { key: 'x', rows: ['x'], tags: ['x'] }
const write: WriterPlan = { rows: ['x'], tags: ['x'] }
const everything: WriterPlan = { rows: ['x'], tags: [EVERY] }

function reads(count: number, read: Read = readX): ReaderPlan {
  return { reads: Array.from({ length: count }, () => read) }
}

/** One row under one tag. */
function oneRow(
  writers: readonly WriterPlan[],
  counts: readonly number[],
  faults: Partial<Record<Fault, number>> = {},
): Scenario {
  return { rows: ['x'], tags: ['x'], writers, readers: counts.map((count) => reads(count)), faults }
}

const pinnedX: Read = { key: 'pk:x', rows: ['x'], tags: ['x', 'all'], without: { allTag: ['x'] } }
const list: Read = { key: 'list', rows: ['x', 'y'], tags: ['set'], without: { setTag: ['x'] } }
const mass: WriterPlan = { rows: ['x', 'y'], tags: ['all', 'set'], without: { allTag: ['set'] } }
const nullX: Read = {
  key: 'pk:x',
  rows: ['x'],
  tags: ['x', 'all', 'set'],
  without: { nullUnderSet: ['x', 'all'] },
}

/** The scenarios in which the protocol holds. */
export const SCENARIOS = {
  plain: oneRow([write], [2, 2]),
  twoWriters: oneRow([write, write], [2, 1]),
  rollback: oneRow([{ ...write, rollsBack: true }, write], [2, 1]),
  crash: oneRow([write], [2, 1], { crash: 1 }),
  crashOfTwo: oneRow([write, write], [2], { crash: 1 }),
  lapse: oneRow([write], [2, 1], { lapse: 1 }),
  lapseCrash: oneRow([write], [2], { lapse: 1, crash: 1 }),
  pauseLapse: oneRow([write], [2, 1], { pause: 1, lapsePaused: 1 }),
  pauseLapseCrash: oneRow([write], [2], { pause: 1, lapsePaused: 1, crash: 1 }),
  flush: oneRow([write], [2, 1], { flush: 1 }),
  flushOnly: oneRow([], [3], { flush: 1 }),
  flushCrash: oneRow([write], [2], { flush: 1, crash: 1 }),
  flushOfTwo: oneRow([write, write], [2], { flush: 1 }),
  evict: oneRow([write], [2, 1], { evictStamp: 1 }),
  evictIntent: oneRow([write], [2, 1], { evictIntent: 1 }),
  evictIntentCrash: oneRow([write], [2], { evictIntent: 1, crash: 1 }),
  restore: oneRow([write], [2, 1], { restore: 1 }),
  restoreCrash: oneRow([write], [2], { restore: 1, crash: 1 }),
  restoreFlush: oneRow([write], [2], { restore: 1, flush: 1 }),
  endLost: oneRow([write], [2, 1], { endLost: 1 }),
  endLostFlush: oneRow([write], [2], { endLost: 1, flush: 1 }),
  endLostEvict: oneRow([write], [2], { endLost: 1, evictIntent: 1 }),
  unknownCommit: oneRow([write], [2, 1], { unknownCommit: 1 }),
  unknownFlush: oneRow([write], [2], { unknownCommit: 1, flush: 1 }),
  pauseEvictIntent: oneRow([write], [2, 1], { pause: 1, evictIntent: 1 }),
  pauseFlush: oneRow([write], [2, 1], { pause: 1, flush: 1 }),
  pauseFlushCrash: oneRow([write], [2], { pause: 1, flush: 1, crash: 1 }),
  pauseAll: oneRow([write], [2], { pause: 1, lapsePaused: 1, flush: 1, evictIntent: 1 }),
  allFaults: oneRow([write], [2], { crash: 1, lapse: 1, flush: 1, evictStamp: 1, restore: 1 }),
  join: { ...oneRow([write], []), readers: [reads(1), { ...reads(1), joins: 0 }] },
  prefetch: { ...oneRow([write], []), readers: [{ ...reads(1), prefetches: true }, reads(1)] },
  replica: {
    ...oneRow([write], []),
    hasReplica: true,
    readers: [reads(1, { ...readX, fromReplica: true }), reads(1)],
  },
  massWrite: {
    rows: ['x', 'y'],
    tags: ['x', 'all', 'set'],
    writers: [mass],
    readers: [reads(2, pinnedX)],
    faults: {},
  },
  listByRows: {
    rows: ['x', 'y'],
    tags: ['x', 'y', 'set'],
    writers: [{ rows: ['y'], tags: ['y', 'set'] }],
    readers: [reads(2, list), reads(1, list)],
    faults: {},
  },
  insertOfNull: {
    rows: ['x'],
    tags: ['x', 'all', 'set'],
    writers: [{ rows: ['x'], tags: ['set'] }],
    readers: [reads(2, nullX)],
    faults: {},
  },
  mixed: {
    rows: ['x', 'y'],
    tags: ['x', 'all', 'set'],
    writers: [{ rows: ['x'], tags: ['x', 'set'] }, mass],
    readers: [{ reads: [pinnedX, list] }, reads(1, list)],
    faults: { crash: 1 },
  },
  everything: oneRow([everything], [2, 1]),
  everythingCrash: oneRow([everything], [2, 1], { crash: 1 }),
  everythingFlush: oneRow([everything], [2, 1], { flush: 1 }),
  everythingFlushCrash: oneRow([everything], [2], { flush: 1, crash: 1 }),
  everythingLapse: oneRow([everything], [2, 1], { lapse: 1 }),
  everythingRestore: oneRow([everything], [2], { restore: 1 }),
  everythingUnknown: oneRow([everything], [2, 1], { unknownCommit: 1 }),
  twoEverything: oneRow([everything, everything], [2]),
  twoEverythingFlush: oneRow([everything, everything], [2], { flush: 1 }),
  everythingAndRow: oneRow([everything, write], [2, 1]),
  everythingAndRowFlush: oneRow([everything, write], [2], { flush: 1 }),
  everythingAndRowFlushCrash: oneRow([everything, write], [2], { flush: 1, crash: 1 }),
  everythingAndRowRestore: oneRow([everything, write], [2], { restore: 1 }),
  everythingAndRowRestoreCrash: oneRow([everything, write], [2], { restore: 1, crash: 1 }),
} satisfies Record<string, Scenario>

export type ScenarioName = keyof typeof SCENARIOS

/** Combinations that no rule covers, as the guide states. */
export const LIMITS = {
  /**
   * A writer suspended between its check and its COMMIT for longer than the quarantine cannot declare itself
   * again.
   */
  longPauseFlush: oneRow([write], [2, 1], { longPause: 1, flush: 1 }),
  /** If the process of a COMMIT that the server still executes is gone, its intent is not declared again. */
  unknownFlushCrash: oneRow([write], [2, 1], { unknownCommit: 1, flush: 1, crash: 1 }),
} satisfies Record<string, Scenario>
