import { WorkloadLog } from '../../../packages/core/src/database/workload/workload-log.ts'
import { analyzeSql } from '../../../packages/core/src/sql/analyze.ts'
import { tokenize } from '../../../packages/core/src/sql/tokenize.ts'
import { readQueryTree } from '../../../packages/core/src/sql/tree/read-sql.ts'
import { median } from '../harness.ts'
import type { BenchFigure } from './report.ts'
import { askedOf } from './shop-workload.ts'

const TARGETS = { seen: 0.2, fresh: 10 }

const FRESH_TURNS = 20
const WARM_UPS = 5

/**
 * Microseconds per item; the median of rounds, of which the first ones warm up.
 *
 * @param act - May return the milliseconds to count, if it has to prepare something.
 */
function microseconds(rounds: number, times: number, act: (round: number) => unknown): number {
  const measured: number[] = []
  for (let round = 0; round < rounds + WARM_UPS; round += 1) {
    const startedAt = performance.now()
    const counted = act(round)
    const ms = typeof counted === 'number' ? counted : performance.now() - startedAt
    if (round >= WARM_UPS) measured.push((ms * 1_000) / times)
  }
  return median(measured)
}

/** An equal string that does not share memory with it. */
function copyOf(text: string): string {
  return Buffer.from(text).toString()
}

/** The cost of observing and of parsing a statement. */
export function observingFigures(rounds: number): BenchFigure[] {
  const { shapes, writes } = askedOf('postgresql', 1)
  const texts = [...shapes, ...writes].map(({ sql }) => sql)
  const bytes = texts.reduce((sum, sql) => sum + sql.length, 0)
  const turns = 200
  const seen = microseconds(rounds, turns * texts.length, () => {
    for (let turn = 0; turn < turns; turn += 1) for (const sql of texts) analyzeSql(sql, 'postgresql')
  })
  // An ORM may create a new string each time: it is equal, but not the same object.
  const equal = microseconds(rounds, texts.length * turns, () => {
    const copies = Array.from({ length: turns }, () => texts.map(copyOf))
    const startedAt = performance.now()
    for (const own of copies) for (const sql of own) analyzeSql(sql, 'postgresql')
    return performance.now() - startedAt
  })
  // Statements that differ in a value, like those of apps that inline values.
  const fresh = microseconds(rounds, texts.length * FRESH_TURNS, (round) => {
    const copies = Array.from({ length: FRESH_TURNS }, (_, turn) =>
      texts.map((sql) => copyOf(`${sql} /* ${round} ${turn} */`)),
    )
    const startedAt = performance.now()
    for (const own of copies) for (const sql of own) analyzeSql(sql, 'postgresql')
    return performance.now() - startedAt
  })
  const log = new WorkloadLog()
  const analyzed = texts.map((sql) => analyzeSql(sql, 'postgresql'))
  const logged = microseconds(rounds, turns * texts.length, () => {
    for (let turn = 0; turn < turns; turn += 1)
      for (const [at, sql] of texts.entries()) {
        const record = log.begin(sql, 'postgresql', analyzed[at] as (typeof analyzed)[number], [], undefined)
        record?.ended(0, 1, 1, false)
      }
  })
  const tokens = microseconds(rounds, texts.length * FRESH_TURNS, () => {
    for (let turn = 0; turn < FRESH_TURNS; turn += 1) for (const sql of texts) tokenize(sql, 'postgresql')
  })
  const trees = microseconds(rounds, texts.length * FRESH_TURNS, () => {
    for (let turn = 0; turn < FRESH_TURNS; turn += 1)
      for (const sql of texts) readQueryTree(sql, 'postgresql')
  })
  const mean = bytes / texts.length
  return [
    { id: 'fingerprint of a known statement', value: seen, unit: 'µs', target: TARGETS.seen },
    { id: 'the same, of a new but equal string each time', value: equal, unit: 'µs' },
    {
      id: `fingerprint of a new statement (${Math.round(mean)} characters on average)`,
      value: fresh,
      unit: 'µs',
      target: TARGETS.fresh,
    },
    { id: 'counting a known statement', value: logged, unit: 'µs' },
    { id: 'reading tokens', value: mean / tokens, unit: 'MB/s' },
    { id: 'reading the tree of a statement', value: trees, unit: 'µs' },
    { id: 'reading trees', value: mean / trees, unit: 'MB/s' },
  ]
}
