import { parseArgs } from 'node:util'
import { FAULT_KINDS, parseFaults } from './fault-plan.ts'
import { isViolated, runCheck } from './run-check.ts'
import { SUBJECT_MODES, type SubjectMode } from './subject.ts'

const USAGE = `pnpm test:consistency [--reads 1000000] [--mode ${SUBJECT_MODES.join('|')}] [--faults all|none|${FAULT_KINDS.join(',')}] [--seed 1] [--rounds 8]
  [--workers 3] [--concurrency 12] [--writes 0.08] [--lease-ms 5000] [--max-staleness-ms 1000] [--pace 1]`

const { values } = parseArgs({
  options: {
    reads: { type: 'string', default: '1000000' },
    mode: { type: 'string', default: 'strict' },
    faults: { type: 'string', default: 'all' },
    seed: { type: 'string', default: '1' },
    rounds: { type: 'string', default: '8' },
    workers: { type: 'string', default: '3' },
    concurrency: { type: 'string', default: '12' },
    writes: { type: 'string', default: '0.08' },
    'lease-ms': { type: 'string', default: '5000' },
    'max-staleness-ms': { type: 'string', default: '1000' },
    pace: { type: 'string', default: '1' },
  },
})

function number(name: keyof typeof values): number {
  const parsed = Number(values[name])
  if (!(parsed >= 0)) throw new Error(`Expected --${name} to be a number, got "${values[name]}". Usage: ${USAGE}`)
  return parsed
}

function modeAsked(): SubjectMode {
  const mode = SUBJECT_MODES.find((known) => known === values.mode)
  if (mode === undefined) throw new Error(`Expected --mode to be one of ${SUBJECT_MODES.join(', ')}, got "${values.mode}". Usage: ${USAGE}`)
  return mode
}

const mode = modeAsked()
const startedAt = performance.now()
let reportedAt = startedAt
const report = await runCheck({
  mode,
  faults: parseFaults(values.faults),
  seed: number('seed'),
  reads: number('reads'),
  rounds: number('rounds'),
  workers: number('workers'),
  concurrency: number('concurrency'),
  writeShare: number('writes'),
  leaseMs: number('lease-ms'),
  maxStalenessMs: number('max-staleness-ms'),
  pace: number('pace'),
  onProgress: ({ reads, violationsA, violationsB, violationsC }) => {
    if (performance.now() - reportedAt < 10_000) return
    reportedAt = performance.now()
    console.log(`${reads} reads, A ${violationsA}, B ${violationsB}, C ${violationsC}`)
  },
})
const { examples, failures, faults, ...figures } = report
console.table({ mode, seed: values.seed, seconds: Math.round((performance.now() - startedAt) / 1000), ...figures, ...faults })
for (const [failure, count] of Object.entries(failures)) console.log(`${count} × ${failure}`)
for (const example of examples) console.log(example)
const violated = isViolated(mode, report)
console.log(violated ? 'Violated.' : 'Kept.')
process.exitCode = violated ? 1 : 0
