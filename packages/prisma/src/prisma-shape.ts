import type { RowSource, Shape } from '@sluice/core/adapter'
import type { LookupPlan } from './keyed-plan.ts'
import type { OmittedFields } from './lookups/selection.ts'
import type { PrismaModel } from './schema/prisma-model.ts'
import type { TraceSchedule } from './trace-schedule.ts'

/** What a shape was made from: enough to write its fix, and to merge its operations. */
export interface PrismaShape extends Shape {
  readonly model: PrismaModel | undefined
  readonly modelName: string
  readonly operation: string
  readonly traces: TraceSchedule
  /** The arguments of the first operation of this shape, without its `where` and without what it writes. */
  readonly rest: Readonly<Record<string, unknown>>
  /** How its operations may be merged; worked out when it is first asked for. */
  readonly plan: () => LookupPlan
  /** What its rows hold; worked out when it is first asked for. */
  readonly rowSource: () => RowSource | undefined
  /** What the client leaves out of the model's rows. */
  readonly omitted?: OmittedFields | undefined
  /** Whether fields are left out of some of its rows, those of relations included. */
  readonly leavesOut?: boolean
}
