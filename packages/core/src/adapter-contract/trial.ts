import { deepStrictEqual, ok, strictEqual } from 'node:assert'
import type { SluiceOptions } from '../sluice/options.ts'
import type { ScopeReport } from '../sluice/scopes.ts'
import { createSluice, type Sluice } from '../sluice/sluice.ts'
import { hostOf } from '../sluice/sluice-host.ts'
import type { ContractClient, ContractHarness } from './contract-client.ts'

/** One case, for any test runner. */
export interface ContractCase {
  readonly name: string
  /**
   * Rejects with an AssertionError if the adapter breaks the contract. Resolves to why a case does not apply.
   */
  run(): Promise<string | undefined>
}

/** Why a case does not apply; nothing if it passed. */
// biome-ignore lint/suspicious/noConfusingVoidType: most cases return nothing
export type Skipped = string | undefined | void

export type Check = (trial: Trial) => Promise<Skipped>

export type Act = (client: ContractClient) => Promise<unknown>

interface Ran {
  readonly value: unknown
  readonly report: ScopeReport
  readonly sent: number
}

/** Milliseconds until the catalog must be there. */
const PATIENCE = 10_000

/** The ORM with a Sluice and without, on fresh rows. */
export class Trial {
  readonly errors: unknown[] = []

  private constructor(
    readonly sluice: Sluice,
    readonly plain: ContractClient,
    readonly db: ContractClient,
    readonly harness: ContractHarness,
  ) {
    sluice.on('error', (error) => void this.errors.push(error))
  }

  static async run(
    harness: ContractHarness,
    work: (trial: Trial) => Promise<Skipped>,
    options: SluiceOptions = {},
  ): Promise<string | undefined> {
    await harness.reset()
    const sluice = createSluice({ mode: 'optimize', cache: false, ...options })
    const clients = [await harness.open(undefined), await harness.open(sluice)] as const
    try {
      const trial = new Trial(sluice, ...clients, harness)
      if (options.mode !== 'observe') await trial.ready()
      const skipped = await work(trial)
      deepStrictEqual(trial.errors, [], 'Sluice reported errors')
      return skipped ?? undefined
    } finally {
      for (const client of clients) await client.close()
      await sluice.close()
    }
  }

  /**
   * Asserts that both return the same, and how many statements the one with Sluice sends: by its own count
   * and by the driver's.
   */
  async same(
    act: Act,
    expected: { readonly queries?: number; readonly most?: number | 'plain'; readonly asPlain?: true },
  ): Promise<Ran> {
    const before = this.plain.sent()
    const value = await outcomeOf(() => act(this.plain))
    const plainSent = this.plain.sent() - before
    const ran = await this.inScope(act)
    deepStrictEqual(ran.value, value, 'results differ from those of the ORM alone')
    strictEqual(
      ran.sent,
      ran.report.queries,
      'statements that the driver sent, and those that Sluice counted',
    )
    const { queries, asPlain } = expected
    const most = expected.most === 'plain' ? plainSent : expected.most
    if (queries !== undefined) strictEqual(ran.sent, queries, 'statements')
    if (most !== undefined) ok(ran.sent <= most, `${ran.sent} statements, expected at most ${most}`)
    if (asPlain === true) strictEqual(ran.sent, plainSent, 'statements, as without Sluice')
    return ran
  }

  /** Runs in a new scope. */
  async inScope(act: Act): Promise<Ran> {
    const before = this.db.sent()
    const scope = this.sluice.openScope('contract')
    const value = await scope.enter(() => outcomeOf(() => act(this.db)))
    return { value, report: scope.end(), sent: this.db.sent() - before }
  }

  /** Waits until lookups by text are batched, which needs the catalog: at first, and after DDL. */
  async ready(): Promise<void> {
    const until = performance.now() + PATIENCE
    const { catalogs } = hostOf(this.sluice)
    for (;;) {
      const { sent } = await this.inScope((client) =>
        Promise.all(['a1@example.org', 'a2@example.org'].map((text) => client.byUniqueText(text))),
      )
      // Some ORMs batch such lookups automatically, and the cache can contain their results.
      if (sent <= 1 && catalogs.isKnown() && !catalogs.isReading()) return
      ok(performance.now() < until, 'two lookups of one tick are never batched')
      await new Promise((resolve) => setTimeout(resolve, 10))
    }
  }
}

/** A value, or the class, message and code of an error. */
export async function outcomeOf(run: () => Promise<unknown>): Promise<unknown> {
  try {
    return { value: await run() }
  } catch (error) {
    const { message, code } = error as Error & { readonly code?: unknown }
    return { error: (error as Error).constructor.name, message, code }
  }
}

export const ids = (count: number): readonly number[] => Array.from({ length: count }, (_, at) => at + 1)
