import type { Lookup, ReadDemand, Refusal, RowSource, Source, TableId } from '@sluice/core/adapter'
import type { AdapterHost } from '@sluice/core/siblings'
import type { BuilderInternals, ClientInternals } from './internal-types.ts'

/** What operations need to know of the instance that they belong to. */
export interface InstanceContext {
  readonly source: Source
  readonly host: AdapterHost
  /** Runs a builder without `postProcessResponse`. */
  runRaw(client: ClientInternals, builder: BuilderInternals, demand: ReadDemand): Promise<unknown>
  /** Whether listeners may change builders right before they are sent. */
  mayRewrite(client: ClientInternals): boolean
  /** The same object for builders that are alike at first sight. */
  familyOf(builder: BuilderInternals): object | undefined
  isMigrationTable(table: TableId): boolean
  lookupOf(client: ClientInternals, builder: BuilderInternals): Lookup<unknown> | Refusal
  rowSourceOf(client: ClientInternals, builder: BuilderInternals): RowSource | undefined
}
