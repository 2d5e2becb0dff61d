import type {
  AdapterHost,
  Gain,
  Lookup,
  ReadRequirements,
  Refusal,
  RowSource,
  Source,
  StatementPlans,
  TableId,
  TransactionReads,
} from '@sluice/core/adapter'
import type { Conversions } from './internals/conversions.ts'
import type { BuilderInternals, ClientInternals } from './internals/types.ts'

/** Properties of the instance to which operations belong. */
export interface InstanceContext {
  readonly source: Source
  readonly host: AdapterHost
  readonly conversions: Conversions
  readonly plans: StatementPlans
  /** Runs a builder without `postProcessResponse`. */
  runRaw(client: ClientInternals, builder: BuilderInternals, demand: ReadRequirements): Promise<unknown>
  /** The reads of a client's transaction; `undefined`: none of them are served from the cache. */
  readsOf(client: ClientInternals): TransactionReads | undefined
  /** Whether listeners can change builders right before they are sent. */
  mayRewrite(client: ClientInternals): boolean
  /** The gain of builders that are similar at first sight. */
  gainOf(builder: BuilderInternals): Gain | undefined
  isMigrationTable(table: TableId): boolean
  lookupOf(client: ClientInternals, builder: BuilderInternals): Lookup<unknown> | Refusal
  rowSourceOf(client: ClientInternals, builder: BuilderInternals): RowSource | undefined
}
