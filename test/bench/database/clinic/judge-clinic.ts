import {
  type Advice,
  type AdvisorTools,
  adviseDatabase,
  type DatabaseSnapshot,
  type PostgresqlScratch,
  type WorkloadEntry,
} from '@sluice/core/database'
import { openScratchSqlite } from '../../../../packages/cli/src/connect/open-connection.ts'
import { analyzeSql } from '../../../../packages/core/src/sql/analyze.ts'
import { onlyTheClone, SharedScratch } from '../advise-shop.ts'
import { indexesOfNeed } from '../answers.ts'
import { labelOf } from '../judge.ts'
import { type ClinicStatement, clinicSql, clinicStatements } from './clinic-statements.ts'
import type { Clinic } from './clinic-tables.ts'
import type { ClinicDatabase } from './open-clinic.ts'

const SAMPLES = 4

/** The advice for one statement alone. */
export interface ClinicVerdict {
  readonly id: string
  readonly isRight: boolean
  /** Needs that no index meets. */
  readonly missing: readonly string[]
  /** Indexes that are not among the answers. */
  readonly needless: readonly string[]
  readonly came: readonly string[]
  /** The rules of the rewrites. */
  readonly rewrites: readonly string[]
}

interface ClinicAdvisorOptions {
  /** PostgreSQL without HypoPG. It is closed with the advisor. */
  readonly scratch?: PostgresqlScratch | undefined
  /** Whether indexes and rewrites are measured on a sample. */
  readonly measures?: boolean
}

/** An advisor for the clinic's statements on one database. */
export class ClinicAdvisor {
  readonly #entries = new Map<string, readonly [ClinicStatement, WorkloadEntry]>()
  readonly #scratch: SharedScratch | undefined

  constructor(
    private readonly database: ClinicDatabase,
    private readonly snapshot: DatabaseSnapshot,
    clinic: Clinic,
    private readonly options: ClinicAdvisorOptions = {},
  ) {
    const { scratch } = options
    this.#scratch = scratch === undefined ? undefined : new SharedScratch(scratch)
    for (const statement of clinicStatements) {
      const entry = entryOf(statement, clinic, database)
      if (entry !== undefined) this.#entries.set(statement.id, [statement, entry])
    }
  }

  get ids(): string[] {
    return [...this.#entries.keys()]
  }

  /**
   * Compares the advice for a statement alone with the known good advice.
   *
   * @throws Error if the clinic sends no such statement to the database.
   */
  async judge(id: string): Promise<ClinicVerdict> {
    const found = this.#entries.get(id)
    if (found === undefined) throw new Error(`The clinic has no statement "${id}".`)
    const [statement, entry] = found
    const scratch = this.#scratch
    const tools: AdvisorTools = {
      sqliteScratch: this.options.measures === false ? onlyTheClone() : openScratchSqlite,
      ...(scratch === undefined ? {} : { postgresqlScratch: async () => scratch.lent() }),
    }
    const { connection, dialect } = this.database
    const advice = await adviseDatabase({
      connection,
      snapshot: this.snapshot,
      workload: [entry],
      tools,
      // A busy machine must not change the advice.
      statementTimeoutMs: 60_000,
      timeLimitMs: 120_000,
    })
    return verdictOf(statement, dialect, advice)
  }

  async close(): Promise<void> {
    await this.#scratch?.close()
  }
}

/** A statement as an app sent it; `undefined` if the clinic does not send it to the database. */
function entryOf(
  statement: ClinicStatement,
  clinic: Clinic,
  { dialect }: ClinicDatabase,
): WorkloadEntry | undefined {
  const sql = clinicSql(statement, dialect)
  if (sql === undefined) return undefined
  return {
    fingerprint: analyzeSql(sql, dialect).fingerprint,
    dialect,
    sql,
    kind: 'read',
    source: 'app',
    calls: statement.calls,
    totalMs: 0,
    maxMs: 0,
    rows: 0,
    callSites: [],
    samples: Array.from({ length: SAMPLES }, () => statement.values(clinic)),
    firstSeenAt: 0,
    lastSeenAt: 0,
  }
}

function verdictOf(
  { id, answer, allowed = [], rewrite }: ClinicStatement,
  dialect: ClinicDatabase['dialect'],
  { indexes, rewrites }: Pick<Advice, 'indexes' | 'rewrites'>,
): ClinicVerdict {
  const needs = 'length' in answer ? answer : answer[dialect]
  const missing = needs.filter((need) => indexesOfNeed(need, indexes) === undefined)
  const good = [...needs.flatMap((need) => need.split(/ [|&] /)), ...allowed]
  const needless = indexes.filter((index) => good.every((need) => indexesOfNeed(need, [index]) === undefined))
  const rules = rewrites.map((found) => found.rewrite.rule)
  const expected = typeof rewrite === 'string' ? rewrite : rewrite?.[dialect]
  return {
    id,
    isRight: missing.length + needless.length === 0 && rules.join() === (expected ?? ''),
    missing,
    needless: needless.map(labelOf),
    came: indexes.map(labelOf),
    rewrites: rules,
  }
}
