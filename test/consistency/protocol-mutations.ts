import type { Edit } from '../differential/mutations/mutation.ts'
import type { FaultKind } from './fault-plan.ts'

const COHERENT = 'packages/core/src/cache/coherent-cache.ts'
const READS = 'packages/core/src/cache/coherence/shared-reads.ts'
const TABLE = 'packages/core/src/cache/coherence/tag-table.ts'
const TAGS = 'packages/core/src/cache/coherence/tags.ts'
const RESULTS = 'packages/core/src/cache/result-cache.ts'
const SCRIPTS = 'packages/redis/src/scripts.ts'
const WATCH = 'packages/core/src/adapter/schema-watch.ts'
const ANNOUNCER = 'packages/core/src/adapter/write-announcer.ts'
const STORE = 'packages/redis/src/redis-store.ts'

/**
 * A rule of the implemented protocol, disabled in the workers: the checker must detect it. Rules whose
 * absence is visible only within a window of less than a millisecond are not included: the tests of the fleet
 * and the contract of stores cover them.
 */
export interface ProtocolMutation {
  readonly rule: string
  readonly edits: readonly Edit[]
  /** The faults required in addition to reads and writes. */
  readonly faults: readonly FaultKind[]
  /** @defaultValue 'strict' */
  readonly mode?: 'strict' | 'bounded'
}

export const PROTOCOL_MUTATIONS: Readonly<Record<string, ProtocolMutation>> = {
  beginDestroys: {
    rule: 'A stamp is gone from before the commit until after it.',
    edits: [
      {
        file: SCRIPTS,
        find: "  redis.call('DEL', KEYS[at])\n  redis.call('HSET', KEYS[at + 1], ARGV[5], deadline)",
        replace: "  redis.call('HSET', KEYS[at + 1], ARGV[5], deadline)",
      },
    ],
    faults: ['pause', 'writer'],
  },
  endRenews: {
    rule: 'The end of a write does not bring an old stamp back.',
    edits: [
      {
        file: SCRIPTS,
        find: "local stamp = ARGV[6] .. '.' .. at\n    redis.call('SET', KEYS[at]",
        replace: "local stamp = 'old'\n    redis.call('SET', KEYS[at]",
      },
      { file: SCRIPTS, find: "stamp = ARGV[5] .. '.' .. at", replace: "stamp = 'old'" },
    ],
    faults: [],
  },
  epochCheck: {
    rule: 'An entry of another epoch or of another server is dead.',
    edits: [
      {
        file: READS,
        find: 'if (entry === undefined || entry.epoch !== state.epoch)',
        replace: 'if (entry === undefined)',
      },
      { file: READS, find: 'if (epoch !== permit.epoch || stamps.some', replace: 'if (stamps.some' },
      {
        file: STORE,
        find: 'const isOurs = link !== undefined && ',
        replace: 'const isOurs = epoch !== undefined || ',
      },
      {
        file: SCRIPTS,
        find: "return epoch and string.sub(epoch, 1, #replid + 1) == replid .. '.'",
        replace: 'return epoch',
      },
    ],
    faults: ['snapshot'],
  },
  stampsBeforeSource: {
    rule: 'The state is read before the database is queried.',
    edits: [
      {
        file: COHERENT,
        find: '      const value = await request.load()\n',
        replace:
          '      const value = await request.load()\n      if (permit !== undefined) permit = (await shared?.reads.look(request.tags))?.permit\n',
      },
    ],
    faults: [],
  },
  pingsAreSent: {
    rule: 'In bounded mode memory is not trusted without an answered ping.',
    edits: [
      {
        file: READS,
        find: 'return now - from <= this.options.maxStalenessMs && !this.writes.hasPending',
        replace: 'return now >= 0',
      },
      { file: READS, find: '        table.raiseAll()\n', replace: '' },
    ],
    faults: ['bus'],
    mode: 'bounded',
  },
  knownStamps: {
    rule: 'The state of tags that a process knows is none after a message.',
    edits: [
      {
        file: TABLE,
        find: 'node.stamp === undefined || node.stampedAt !== node.generation + this.every.generation',
        replace: 'node.stamp === undefined',
      },
      {
        file: READS,
        find: 'epoch !== permit.epoch || !snapshot.isCurrent',
        replace: 'epoch !== permit.epoch',
      },
    ],
    faults: [],
    mode: 'bounded',
  },
  allTag: {
    rule: 'A write to unknown rows reaches reads by primary key.',
    edits: [{ file: TAGS, find: 'visit(table, ALL)\n    else for', replace: '{}\n    else for' }],
    faults: [],
  },
  setTag: {
    rule: 'A write to one row reaches lists.',
    edits: [{ file: TAGS, find: '    visit(table, SET)\n    if (written', replace: '    if (written' }],
    faults: [],
  },
  nullUnderSet: {
    rule: 'A row that was not there depends on inserts.',
    edits: [
      {
        file: RESULTS,
        find: 'isComplete: (value) => request.isComplete?.(value) === true',
        replace: 'isComplete: () => true',
      },
    ],
    faults: [],
  },
  schemaChecks: {
    rule: 'A change of the schema by another process is noticed.',
    edits: [
      { file: WATCH, find: 'if (found === expected && !this.#isUntold)', replace: 'if (!this.#isUntold)' },
    ],
    faults: ['schema'],
  },
  schemaDrops: {
    rule: 'When it is noticed, everything cached is dropped.',
    edits: [
      {
        file: ANNOUNCER,
        find: 'return this.#wroteEverything(true)',
        replace: 'this.#host.catalogs.generations.beginDefinition()(true); return true',
      },
      {
        file: ANNOUNCER,
        find: 'setBackgroundTimeout(() => void this.#wroteEverything(false)',
        replace: 'setBackgroundTimeout(() => {}',
      },
    ],
    faults: ['schema'],
  },
}
