import { parseArgs } from 'node:util'
import { MUTATIONS } from './mutations.ts'
import { runMutant } from './run-mutant.ts'

const USAGE = 'pnpm test:mutations [--budget 3000] [--seed 1] [--only <beginning of a name>]'

function wholeNumber(name: string, text: string): number {
  const number = Number(text)
  if (!Number.isSafeInteger(number) || number < 1)
    throw new Error(`Expected --${name} to be a whole number, got "${text}". Usage: ${USAGE}`)
  return number
}

const { values } = parseArgs({
  options: { budget: { type: 'string' }, seed: { type: 'string' }, only: { type: 'string' } },
})
const budget = wholeNumber('budget', values.budget ?? '3000')
const seed = wholeNumber('seed', values.seed ?? '1')
const chosen = MUTATIONS.filter(({ name }) => name.startsWith(values.only ?? ''))
if (chosen.length === 0)
  throw new Error(
    `Expected --only to be the beginning of a mutation's name, got "${values.only}". Usage: ${USAGE}`,
  )
for (const mutation of chosen) {
  const startedAt = Date.now()
  const report = await runMutant(mutation, { budget, seed }).catch((error: unknown) => ({ broken: error }))
  const seconds = Math.round((Date.now() - startedAt) / 1000)
  const where = `${mutation.name.padEnd(28)} ${(mutation.test === undefined ? (mutation.dialect ?? 'sqlite') : 'test').padEnd(11)}`
  if ('broken' in report) console.log(where, 'BROKEN:', report.broken)
  else if (report.skipped !== undefined) console.log(where, 'skipped:', report.skipped)
  else if (report.found === undefined)
    console.log(where, `MISSED in ${report.programs} programs, ${seconds} s`)
  else
    console.log(
      where,
      `found after ${report.programs} programs, ${seconds} s: ${report.found.split('\n')[0]}`,
    )
  if (!('found' in report || 'skipped' in report)) process.exitCode = 1
}
