import { parseArgs } from 'node:util'
import { endWithout } from '../services/end-without.ts'
import { FAULT_KINDS, parseFaults } from './fault-plan.ts'
import { ORM_SETS, parseOrms } from './orms.ts'
import { PROTOCOL_MUTATIONS } from './protocol-mutations.ts'
import { isViolated, runCheck } from './run-check.ts'
import { STORE_NAMES, type StoreName } from './store-server.ts'
import { SUBJECT_MODES, type SubjectMode } from './subject.ts'

const USAGE = `pnpm test:consistency [--reads 1000000] [--mode ${SUBJECT_MODES.join('|')}] [--store ${STORE_NAMES.join('|')}] [--orms ${Object.keys(ORM_SETS).join('|')}] [--faults all|none|${FAULT_KINDS.join(',')}] [--seed 1] [--rounds 8]
  [--workers 3] [--concurrency 12] [--writes 0.08] [--lease-ms 5000] [--max-staleness-ms 1000] [--pace 1]
  [--without each|${Object.keys(PROTOCOL_MUTATIONS).join('|')}]`

const { values } = parseArgs({
  options: {
    reads: { type: 'string', default: '1000000' },
    mode: { type: 'string', default: 'strict' },
    store: { type: 'string', default: 'redis' },
    orms: { type: 'string', default: 'two' },
    faults: { type: 'string', default: 'all' },
    seed: { type: 'string', default: '1' },
    rounds: { type: 'string', default: '8' },
    workers: { type: 'string', default: '3' },
    concurrency: { type: 'string', default: '12' },
    writes: { type: 'string', default: '0.08' },
    'lease-ms': { type: 'string', default: '5000' },
    'max-staleness-ms': { type: 'string', default: '1000' },
    pace: { type: 'string', default: '1' },
    without: { type: 'string' },
  },
})

function number(name: keyof typeof values): number {
  const parsed = Number(values[name])
  if (!(parsed >= 0))
    throw new Error(`Expected --${name} to be a number, got "${values[name]}". Usage: ${USAGE}`)
  return parsed
}

function modeAsked(): SubjectMode {
  const mode = SUBJECT_MODES.find((known) => known === values.mode)
  if (mode === undefined)
    throw new Error(
      `Expected --mode to be one of ${SUBJECT_MODES.join(', ')}, got "${values.mode}". Usage: ${USAGE}`,
    )
  return mode
}

function storeAsked(): StoreName {
  const store = STORE_NAMES.find((known) => known === values.store)
  if (store === undefined)
    throw new Error(
      `Expected --store to be one of ${STORE_NAMES.join(', ')}, got "${values.store}". Usage: ${USAGE}`,
    )
  return store
}

/** Disables rules one at a time, and reports after how many reads the checker detected it. */
async function withoutRules(asked: string): Promise<void> {
  const chosen = Object.entries(PROTOCOL_MUTATIONS).filter(([name]) => asked === 'each' || asked === name)
  if (chosen.length === 0)
    throw new Error(`Expected --without to be "each" or a rule, got "${asked}". Usage: ${USAGE}`)
  for (const [name, { rule, edits, faults, mode = 'strict' }] of chosen) {
    const startedAt = performance.now()
    const report = await runCheck({
      ...common(),
      mode,
      faults,
      edits,
      rounds: 4,
      writeShare: 0.2,
      pace: 4,
      untilViolated: true,
    })
    const seconds = Math.round((performance.now() - startedAt) / 1000)
    const found = isViolated(mode, report)
      ? `caught after ${report.reads} reads`
      : `MISSED in ${report.reads} reads`
    console.log(`${name.padEnd(20)} ${found}, ${seconds} s. ${rule} ${report.examples[0] ?? ''}`)
    if (!isViolated(mode, report)) process.exitCode = 1
  }
}

function common() {
  return {
    seed: number('seed'),
    reads: number('reads'),
    orms: parseOrms(values.orms),
    workers: number('workers'),
    concurrency: number('concurrency'),
    leaseMs: number('lease-ms'),
    maxStalenessMs: number('max-staleness-ms'),
  }
}

async function check(): Promise<void> {
  const mode = modeAsked()
  const store = storeAsked()
  const startedAt = performance.now()
  let reportedAt = startedAt
  const report = await runCheck({
    ...common(),
    mode,
    store,
    faults: parseFaults(values.faults, store),
    rounds: number('rounds'),
    writeShare: number('writes'),
    pace: number('pace'),
    onProgress: ({ reads, violationsA, violationsB, violationsC }) => {
      if (performance.now() - reportedAt < 10_000) return
      reportedAt = performance.now()
      console.log(`${reads} reads, A ${violationsA}, B ${violationsB}, C ${violationsC}`)
    },
  })
  const { examples, failures, faults, ...figures } = report
  console.table({
    mode,
    store,
    orms: values.orms,
    seed: values.seed,
    seconds: Math.round((performance.now() - startedAt) / 1000),
    ...figures,
    ...faults,
  })
  for (const [failure, count] of Object.entries(failures)) console.log(`${count} × ${failure}`)
  for (const example of examples) console.log(example)
  const violated = isViolated(mode, report)
  console.log(violated ? 'Violated.' : 'Kept.')
  process.exitCode = violated ? 1 : 0
}

const checked = values.without === undefined ? check() : withoutRules(values.without)
await checked.catch(endWithout)
