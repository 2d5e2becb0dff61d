import type { StateAhead } from '../../pipeline/writes.ts'
import type { Permit, SharedReads } from './shared-reads.ts'
import type { TagSnapshot } from './tag-table.ts'

/** The state of tables before they were asked ahead: what is found then may be kept under it. */
export class SharedStateAhead implements StateAhead {
  constructor(
    readonly snapshot: TagSnapshot,
    readonly permit: Permit,
    private readonly reads: SharedReads,
    /** Whether each answer is validated in the store. */
    private readonly isStrict: boolean,
  ) {}

  check(): Promise<boolean> | undefined {
    if (!this.isStrict) return undefined
    return this.reads.check(this.permit).then(
      (state) => state === 'current',
      () => false,
    )
  }
}
