// The cost of importing the packages in a process that does nothing else, compared with importing Knex and
// packages for parts of the same purpose; and of the first Sluice.
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { benchOptions, type Figure } from './harness.ts'

const run = promisify(execFile)

/** CPU of importing the core relative to that of importing Knex. */
const TARGET = 0.3

const ENTRIES = [
  'knex',
  '@sluice/core',
  '@sluice/knex',
  '@sluice/prisma',
  '@sluice/express',
  '@sluice/fastify',
  '@sluice/http',
  '@sluice/http/proxy',
  'bentocache',
  'bullmq',
  'prom-client',
]

const PROGRAM = `
const cpuMs = async (work) => {
  const before = process.cpuUsage()
  const result = await work()
  const { user, system } = process.cpuUsage(before)
  return { result, ms: (user + system) / 1000 }
}
const imported = await cpuMs(() => import(process.argv[1]))
const { createSluice } = imported.result
const created = createSluice ? await cpuMs(() => createSluice({})) : { ms: 0 }
console.log(JSON.stringify([imported.ms, created.ms]))
process.exit()`

async function sample(entry: string): Promise<readonly [importMs: number, createMs: number]> {
  const { stdout } = await run(process.execPath, ['--input-type=module', '-e', PROGRAM, entry], {
    cwd: `${import.meta.dirname}/..`,
  })
  return JSON.parse(stdout) as [number, number]
}

const { json, quick } = benchOptions()
const rounds = quick ? 5 : 21
const samples = new Map(ENTRIES.map((entry): [string, (readonly [number, number])[]] => [entry, []]))
for (let round = 0; round < rounds; round += 1)
  for (const [entry, known] of samples) known.push(await sample(entry))

// The minimum CPU time is closest to the truth: other work on the machine only adds to it.
const least = (entry: string, at: 0 | 1) => Math.min(...(samples.get(entry) ?? []).map((one) => one[at]))
const knexMs = least('knex', 0)
const value = least('@sluice/core', 0) / knexMs
const figure: Figure = {
  area: 'import',
  id: 'core-over-knex',
  value,
  unit: '×',
  target: TARGET,
  ok: value <= TARGET,
  against: { knexMs },
}
if (json) console.log(JSON.stringify(figure))
else {
  console.log(
    `Node ${process.version}, the least of ${rounds} interleaved rounds, CPU time, each in a fresh process`,
  )
  for (const entry of ENTRIES)
    console.log(
      `  ${entry.padEnd(20)} ${least(entry, 0).toFixed(1).padStart(6)} ms   × ${(least(entry, 0) / knexMs).toFixed(2)}`,
    )
  console.log(`  ${'createSluice({})'.padEnd(20)} ${least('@sluice/core', 1).toFixed(1).padStart(6)} ms`)
  console.log(
    `  ${figure.ok ? 'met   ' : 'MISSED'} ${figure.id}: ${value.toFixed(2)} × (target ≤ ${TARGET} ×)`,
  )
}
