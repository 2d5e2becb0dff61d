import { analyzeSql, type CacheControl } from '@sluice/core'
import {
  type AdapterHost,
  type CacheRequest,
  canonicalKey,
  EVERYTHING,
  effectOfStatement,
  type Gain,
  type Lookup,
  mayDefine,
  type Operation,
  type OperationKind,
  type ReadPlan,
  type Refusal,
  type RowSource,
  type RunContext,
  type Source,
  type Statement,
  type TableId,
  type TransactionReads,
  type TransactionWrites,
  type WriteEffect,
  writeOutcomeOf,
} from '@sluice/core/adapter'
import { rawText } from './argument-shapes.ts'
import { isRead } from './cache-argument.ts'
import {
  type ComputedFields,
  dataPathOf,
  freshParams,
  type InternalParams,
  type QueryFunction,
  stackOf,
  type TransactionInfo,
} from './internals.ts'
import { LateStack } from './late-stack.ts'
import type { PageContext } from './lookups/page.ts'
import type { OmittedFields } from './lookups/selection.ts'
import { predicting } from './operation-context.ts'
import { prismaLookup } from './prisma-lookup.ts'
import { PrismaRequest } from './prisma-request.ts'
import type { PrismaShape } from './prisma-shape.ts'
import { refuse } from './reasons.ts'
import { isPartOf, isResultOf } from './result-shape.ts'
import type { PrismaSchema } from './schema/prisma-schema.ts'
import type { PrismaShapes } from './shape.ts'
import type { Touches } from './touches/touches.ts'
import { currentTransaction, inert } from './transaction-context.ts'

/** Properties of the client to which an operation belongs. */
export interface ClientContext {
  readonly host: AdapterHost
  readonly source: Source
  /** Id under which the registry stores the client's tables. */
  readonly catalogId: string
  readonly shapes: PrismaShapes
  readonly seesStatements: boolean
  /** Identifies how values are converted at this moment; `undefined`: connections differ from each other. */
  readonly conversions: string | undefined
  /** Whether a view or a policy of some table calls a function that can write. */
  readonly readsMayWrite: boolean
  readonly hasInnerExtensions: boolean
  readonly hasLaterComputedFields: boolean
  computedFields(model: string): ComputedFields | undefined
  /** Fields that the client omits from all rows of a model. */
  omittedFields(model: string): OmittedFields | undefined
  schema(): PrismaSchema | undefined
  pages(table: TableId): PageContext | undefined
  touches(model: string, operation: string, args: unknown): Touches | undefined
  /**
   * The tables that a read with a model reads.
   *
   * @param touchesOf - Called if they are not known for its shape.
   */
  planOf(shape: PrismaShape, touchesOf: () => Touches | undefined): ReadPlan
  /** The reads of an interactive transaction; `undefined`: none of them are served from the cache. */
  readsOf(transaction: TransactionInfo | undefined): TransactionReads | undefined
  /** Queries the primary with `send`, or a replica. */
  routed(context: RunContext, call: HookCall, send: () => Promise<unknown>): Promise<unknown>
}

/** A call, as Prisma's hook describes it. */
export interface HookCall {
  readonly model: string | undefined
  readonly operation: string
  readonly args: unknown
  /** The `cache` argument of the call, already removed from the arguments. */
  readonly control?: CacheControl | undefined
  readonly params: InternalParams | undefined
  readonly transaction: TransactionInfo | undefined
  readonly query: QueryFunction
}

/** One Prisma operation in the core's ORM-independent form. */
export class PrismaOperation implements Operation<unknown> {
  readonly source: Source
  readonly kind: OperationKind
  readonly shape: PrismaShape
  readonly inTransaction: boolean
  readonly transactionReads: TransactionReads | undefined
  readonly isRaw: boolean
  readonly effect?: () => WriteEffect
  readonly transactionWrites?: () => TransactionWrites | undefined
  readonly unordered: boolean
  #runs = 0
  #touches: Touches | undefined
  #effect: WriteEffect | undefined
  #lookup: Lookup<unknown> | Refusal | undefined
  #late: LateStack | undefined
  /** How values were converted when the cache request was built. */
  #conversions: string | undefined

  constructor(
    private readonly state: ClientContext,
    private readonly call: HookCall,
  ) {
    const { model, operation, args, transaction } = call
    this.source = state.source
    this.inTransaction = transaction !== undefined
    this.isRaw = model === undefined
    if (model === undefined) {
      const text = rawText(args)
      const analyzed = text === undefined ? undefined : analyzeSql(text, this.source.dialect)
      this.kind =
        analyzed !== undefined && onlyReads(analyzed.statement) && !this.#writesUnseen(analyzed.statement)
          ? 'read'
          : 'other'
      this.shape = state.shapes.rawShapeOf(operation, this.kind, analyzed)
    } else {
      this.kind = !isRead(operation) ? 'write' : this.#callsWhenRead() ? 'other' : 'read'
      this.shape = state.shapes.shapeOf(model, state.schema()?.models.get(model), operation, this.kind, args)
    }
    this.unordered =
      (operation === 'findMany' || operation === 'groupBy') &&
      (args as { orderBy?: unknown } | undefined)?.orderBy === undefined
    this.transactionReads = state.readsOf(transaction)
    if (this.kind === 'read') return
    this.effect = () => this.#writes()
    // Results of a batch arrive after its commit; an interactive transaction commits later.
    if (transaction?.kind === 'itx')
      this.transactionWrites = () =>
        currentTransaction()?.gathering() ?? (state.seesStatements ? inert : undefined)
  }

  afresh(): PrismaOperation {
    return new PrismaOperation(this.state, this.call)
  }

  get hasChangedQuery(): boolean {
    return this.#conversions !== undefined && this.#conversions !== this.state.conversions
  }

  get gain(): Gain | undefined {
    return this.call.control === undefined ? this.shape.gain : undefined
  }

  /** Whether a statement whose SQL only reads can write through the functions that it calls. */
  #writesUnseen(statement: Statement): boolean {
    const { host, catalogId } = this.state
    return effectOfStatement(statement, catalogId, host.catalogs) !== undefined
  }

  /** Whether a view or a policy of the tables that it reads calls a function that can write. */
  #callsWhenRead(): boolean {
    if (!this.state.readsMayWrite) return false
    const catalog = this.state.host.catalogs.catalog(this.source.dialect)
    const touches = this.#touchesOf()
    return touches === undefined || touches.opaque || catalog?.whenRead(touches.reads) !== 'reads'
  }

  run(context: RunContext): Promise<unknown> {
    const send = () => this.state.routed(context, this.call, () => this.#send())
    return this.transactionReads?.follow(send) ?? send()
  }

  /** Queries the primary. */
  #send(): Promise<unknown> {
    const { args, params, query, transaction } = this.call
    // Prisma changes the parameters that it receives, so a second run of a read needs its own copy.
    this.#runs += 1
    const send = () =>
      params === undefined || this.#runs === 1 ? query(args) : query(args, freshParams(params))
    // One member of a batch sends the statements of all members, so they cannot be attributed to an
    // operation.
    if (!this.state.seesStatements) return this.#mayDefine() ? this.#defining(send) : send()
    if (transaction?.kind === 'batch') return send()
    if (this.kind !== 'read') return predicting(this.#writes(), send, this)
    return this.isTraced() ? predicting(undefined, send, this) : send()
  }

  /** Whether the operation can change the schema. */
  #mayDefine(): boolean {
    const { host, source } = this.state
    const catalog = host.catalogs.catalog(source.dialect)
    if (this.call.model !== undefined)
      return this.kind !== 'read' && catalog?.hasDefiningTriggers === true && this.#writes().everything
    const text = rawText(this.call.args)
    if (text === undefined) return true
    const { statement } = analyzeSql(text, source.dialect)
    return (
      (catalog === undefined && statement.functions.size > 0) || mayDefine(statement, catalog, this.#writes())
    )
  }

  /**
   * No other component sees a schema change by this operation. In an interactive transaction it takes effect
   * at the commit.
   */
  async #defining(send: () => Promise<unknown>): Promise<unknown> {
    const end = this.state.host.catalogs.generations.beginDefinition()
    if (this.call.transaction?.kind === 'itx') {
      const transaction = currentTransaction()
      if (transaction === undefined) end(false)
      else transaction.defines(end)
      return send()
    }
    try {
      const answer = await send()
      end(true)
      return answer
    } catch (error) {
      end((this.source.errors?.writeOutcome(error) ?? writeOutcomeOf(error)) !== 'unknown')
      throw error
    }
  }

  /** Whether to record the call site for the statements of this execution. */
  isTraced(): boolean {
    return this.state.host.watch !== undefined && this.shape.traces.isDue()
  }

  stack(): { readonly stack?: string | undefined } | undefined {
    // Prisma captures that of raw SQL too late, after the app's functions have returned.
    const known = this.isRaw ? undefined : stackOf(this.call.params)
    if (known !== undefined) return known
    this.#late ??= new LateStack()
    this.#late.take()
    return this.#late
  }

  /** Prisma passes a copy of the arguments to hooks, so the app cannot change them afterwards. */
  values(): unknown {
    return this.kind === 'read' && !this.isRaw ? this.call.args : undefined
  }

  rows(result: unknown): number {
    this.#late?.take()
    if (Array.isArray(result)) return result.length
    return result === null || result === undefined ? 0 : 1
  }

  lookup(): Lookup<unknown> | Refusal {
    this.#lookup ??= this.#describeLookup()
    return this.#lookup
  }

  #describeLookup(): Lookup<unknown> | Refusal {
    const { state, call } = this
    if (call.model === undefined) return refuse('RAW_QUERY')
    if (state.hasInnerExtensions) return refuse('EXTENSION_ADDED_AFTER_SLUICE')
    const { conversions } = state
    if (conversions === undefined) return refuse('UNSUPPORTED_OPTIONS')
    const context = {
      source: state.source,
      conversions,
      maxKeys: state.host.maxKeys,
      maxExtraRows: state.host.maxExtraRows,
      pages: (table: TableId) => state.pages(table),
      computedFields: (model: string) => state.computedFields(model),
      reads: () => {
        const { refused, tables } = this.#plan()
        return refused === undefined ? tables : undefined
      },
      writes: () => {
        const { refused, tables } = this.#plan()
        return refused === undefined ? state.host.writes.stateOf(tables) : undefined
      },
    }
    return prismaLookup(context, this.shape, call) ?? refuse('NOT_BY_KEY')
  }

  rowSource(): RowSource | undefined {
    const { params } = this.call
    return params !== undefined && dataPathOf(params) === '' ? this.shape.rowSource() : undefined
  }

  cacheRequest(): CacheRequest<unknown> | Refusal {
    const { state, call } = this
    if (call.model === undefined) return refuse('RAW_QUERY')
    if (state.hasInnerExtensions) return refuse('EXTENSION_ADDED_AFTER_SLUICE')
    if (state.hasLaterComputedFields && this.shape.leavesOut === true)
      return refuse('UNKNOWN_COMPUTED_FIELDS')
    if (call.params === undefined) return refuse('UNKNOWN_PRISMA_INTERNALS')
    if (this.inTransaction && this.transactionReads === undefined) return refuse('IN_TRANSACTION')
    const plan = this.#plan()
    if (plan.refused !== undefined) return { refused: plan.refused }
    // With `strictUndefinedChecks`, Prisma rejects `undefined` values.
    const args = canonicalKey(call.args ?? {}, { dropUndefined: false })
    if (args === undefined) return refuse('UNSUPPORTED_ARGUMENTS')
    const { conversions } = state
    if (conversions === undefined) return refuse('UNSUPPORTED_OPTIONS')
    this.#conversions = conversions
    const key = `${conversions} ${call.model}.${call.operation} ${dataPathOf(call.params)} ${args}`
    return new PrismaRequest(key, plan, call, {
      pinned: () => this.#touchesOf()?.pinned,
      accepts: (value) => this.#accepts(value),
    })
  }

  #accepts(value: unknown): boolean {
    const { state, call, shape } = this
    const path = dataPathOf(call.params)
    if (shape.model === undefined) return false
    return path === ''
      ? isResultOf(state, shape.model, call.operation, call.args, value)
      : isPartOf(state, shape.model, call.args, path.split('.'), value)
  }

  #plan(): ReadPlan {
    return this.state.planOf(this.shape, () => this.#touchesOf())
  }

  #touchesOf(): Touches | undefined {
    const { model, operation, args } = this.call
    if (this.#touches === undefined && model !== undefined)
      this.#touches = this.state.touches(model, operation, args)
    return this.#touches
  }

  #writes(): WriteEffect {
    this.#effect ??= this.#computeEffect()
    return this.#effect
  }

  #computeEffect(): WriteEffect {
    const { host, source, catalogId } = this.state
    if (this.call.model === undefined) {
      const text = rawText(this.call.args)
      const effect =
        text === undefined
          ? EVERYTHING
          : effectOfStatement(analyzeSql(text, source.dialect).statement, catalogId, host.catalogs)
      return effect ?? { tables: new Set(), everything: false }
    }
    const touches = this.#touchesOf()
    return this.kind === 'other' || touches === undefined || touches.opaque
      ? EVERYTHING
      : host.catalogs.effectOf(source.dialect, touches.changes)
  }
}

/** A raw statement that only reads needs no announcement; it is never cached either. */
function onlyReads({ opaque, writes, functions, transaction }: Statement): boolean {
  return opaque === undefined && writes.length === 0 && functions.size === 0 && transaction === undefined
}
