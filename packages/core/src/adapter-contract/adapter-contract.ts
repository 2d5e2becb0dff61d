import type { SluiceOptions } from '../sluice/options.ts'
import type { ContractHarness } from './contract-client.ts'
import { OBSERVE_CASES, REPORT_CASES, STACK_CASES } from './observe-cases.ts'
import { LOOP_CASES, RESULT_CASES, UNCHANGED_CASES } from './result-cases.ts'
import { type Check, type ContractCase, Trial } from './trial.ts'
import { CACHE_CASES, cached, TRANSACTION_CASES } from './write-cases.ts'

const GROUPS: readonly (readonly [Readonly<Record<string, Check>>, SluiceOptions])[] = [
  [RESULT_CASES, {}],
  [UNCHANGED_CASES, {}],
  [LOOP_CASES, {}],
  [REPORT_CASES, {}],
  [TRANSACTION_CASES, cached],
  [CACHE_CASES, cached],
  [STACK_CASES, { cache: { ttl: 300 } }],
  [OBSERVE_CASES, { mode: 'observe' }],
]

/**
 * The cases that every adapter must pass, for any test runner. Each compares the results of the ORM with
 * those of the ORM alone, and counts the statements that the driver sends.
 *
 * @param make - Opens the ORM under test. Called once for each case.
 * @example
 * ```ts
 * for (const { name, run } of adapterContract(make))
 *   it(name, async ({ skip }) => void ((await run()) !== undefined && skip()))
 * ```
 */
export function adapterContract(make: () => Promise<ContractHarness>): readonly ContractCase[] {
  return GROUPS.flatMap(([cases, options]) =>
    Object.entries(cases).map(([name, check]) => ({
      name,
      run: async () => Trial.run(await make(), check, options),
    })),
  )
}
