import { Gain } from '../pipeline/gain.ts'
import type { Shape } from '../pipeline/operation.ts'
import type { CatalogRegistry } from '../schema/catalog-registry.ts'
import { ReadPlan } from '../schema/read-plan.ts'
import { readsOfStatement } from '../schema/statement-effect.ts'
import type { WritePlan } from '../schema/write-plan.ts'
import { type AnalyzedSql, analyzeSql } from '../sql/analyze.ts'
import type { Dialect } from '../sql/dialect.ts'
import { type EqualitySelect, readEqualitySelect } from './equality-select.ts'
import { planSelect, type SelectPlan } from './keyed-select.ts'
import type { RowForm } from './select/outputs.ts'

/** Longer statements are not compared with earlier ones, so repeats of them go unseen. */
const MAX_COMPARED_LENGTH = 20_000

/** Lengths of which the latest statement is remembered. */
const MAX_LATEST = 500

/** The facts about the client that {@link StatementPlans} needs. */
interface PlannedClient {
  readonly sourceId: string
  readonly dialect: Dialect
  readonly catalogs: CatalogRegistry
  readonly fix: ((select: EqualitySelect) => string | undefined) | undefined
  /** Called with each new statement. */
  seen(sql: string, dialect: Dialect, analyzed: AnalyzedSql): void
  /** Whether every server with the same rows has these tables. */
  areShared(tables: readonly (readonly string[])[]): boolean
  /** Changes with the results of `areShared`. */
  sharedVersion(): number
}

/** The facts about a statement of one client, without its values. Each is computed once and then stored. */
export class StatementPlan {
  /** Whether its SQL certainly changes nothing. */
  readonly onlyReads: boolean
  /** Whether only writes can change its result. */
  readonly isRepeatable: boolean
  readonly shape: Shape
  readonly gain: Gain = new Gain()
  /** How it writes; `undefined`: not planned yet, or its effect depends on more than its values. */
  write: WritePlan | undefined = undefined
  /** The state of the known schema in which the statement was found to write nothing. */
  unwrittenIn: number = Number.NaN
  #read: ReadPlan | undefined = undefined
  #isPlain = false
  #plainIn: number | undefined = undefined
  readonly #selects: Partial<Record<RowForm, { readonly version: number; readonly plan: SelectPlan }>> = {}

  /** Its text, with stable names instead of random aliases. Statements of one plan have the same. */
  readonly sql: string

  constructor(
    private readonly client: PlannedClient,
    sql: string,
    readonly analyzed: AnalyzedSql,
  ) {
    this.sql = analyzed.text ?? sql
    const { statement, shape: label, fingerprint } = analyzed
    const isRead =
      statement.kinds.every((word) => word === 'SELECT' || word === 'WITH') && statement.writes.length === 0
    // A statement of Sluice itself is not a read of the app.
    const kind = isRead && statement.isOwn !== true ? 'read' : 'write'
    this.onlyReads = kind === 'read' && statement.opaque === undefined && statement.functions.size === 0
    this.isRepeatable = this.onlyReads && !statement.volatile && sql.length <= MAX_COMPARED_LENGTH
    let fix: { readonly text: string | undefined } | undefined
    this.shape = {
      fingerprint,
      label,
      kind,
      fix: () => {
        fix ??= { text: this.#fix() }
        return fix.text
      },
    }
  }

  /** How it reads, according to the current catalogs. */
  get read(): ReadPlan {
    const { catalogs, sourceId } = this.client
    const read = this.#read
    if (read !== undefined && read.version === catalogs.used()) return read
    const planned = ReadPlan.of(this.analyzed.statement, sourceId, catalogs)
    // The version stays the same while a catalog that has become outdated is being read.
    this.#read = catalogs.seenBy(sourceId) === undefined ? undefined : planned
    return planned
  }

  /**
   * How its selects are batched, and the source of their rows, according to the current catalogs;
   * `undefined`: the catalog is not known yet.
   */
  select(form: RowForm): SelectPlan | undefined {
    const { catalogs, sourceId, dialect } = this.client
    const version = catalogs.used()
    const known = this.#selects[form]
    if (known?.version === version) return known.plan
    const catalog = catalogs.trusted(sourceId)
    if (catalog === undefined) return undefined
    const plan = planSelect(this.sql, dialect, form, catalog, {
      isPlain: this.isPlainRead,
      reads: readsOfStatement(this.analyzed.statement, sourceId, catalogs),
    })
    this.#selects[form] = { version, plan }
    return plan
  }

  /** Whether it certainly only reads, and returns the same on every server with the same rows. */
  get isPlainRead(): boolean {
    const version = this.client.sharedVersion()
    if (this.#plainIn !== version) {
      const { volatile, locks, reads, several } = this.analyzed.statement
      this.#isPlain =
        this.onlyReads && several !== true && !volatile && !locks && this.client.areShared(reads)
      this.#plainIn = version
    }
    return this.#isPlain
  }

  #fix(): string | undefined {
    const { fix, dialect } = this.client
    if (fix === undefined || this.sql.length > MAX_COMPARED_LENGTH) return undefined
    const select = readEqualitySelect(this.sql, dialect)
    return select && fix(select)
  }
}

/** The plans of one client, by SQL string. */
export class StatementPlans {
  /** By analyzed statement, which `analyzeSql` remembers for a while. */
  readonly #plans = new WeakMap<AnalyzedSql, StatementPlan>()
  /**
   * The latest statement of each length. An ORM can build a new string for each execution, and to compare it
   * with one other is faster than to compute its hash.
   */
  readonly #latest = new Map<number, { readonly sql: string; readonly plan: StatementPlan }>()

  constructor(private readonly client: PlannedClient) {}

  of(sql: string): StatementPlan {
    const latest = this.#latest.get(sql.length)
    if (latest?.sql === sql) return latest.plan
    const analyzed = analyzeSql(sql, this.client.dialect)
    const plan = this.#plans.get(analyzed) ?? this.#create(sql, analyzed)
    if (sql.length <= MAX_COMPARED_LENGTH) {
      if (this.#latest.size >= MAX_LATEST) this.#latest.clear()
      this.#latest.set(sql.length, { sql, plan })
    }
    return plan
  }

  #create(sql: string, analyzed: AnalyzedSql): StatementPlan {
    const { client } = this
    client.seen(sql, client.dialect, analyzed)
    const plan = new StatementPlan(client, sql, analyzed)
    this.#plans.set(analyzed, plan)
    return plan
  }
}
