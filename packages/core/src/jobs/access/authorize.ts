import { NotAuthorizedError } from '../job-errors.ts'
import type { AuditEntry } from './audit-log.ts'
import type { JobAction, JobTarget } from './job-action.ts'

/**
 * @param actor - Who asks; `undefined`: nobody in particular.
 * @returns Whether they may.
 */
export type Authorize = (actor: string | undefined, action: JobAction, task: JobTarget) => boolean | Promise<boolean>

/** Asks who may do what, and writes down what became of it. */
export class Gate {
  constructor(
    private readonly authorize: Authorize | undefined,
    private readonly record: (entry: AuditEntry) => void,
    private readonly wall: () => number,
  ) {}

  /** Whether `pass` does anything: spares calling it. */
  get isOpen(): boolean {
    return this.authorize === undefined
  }

  /** @throws NotAuthorizedError; what the hook throws. */
  async pass(actor: string | undefined, action: JobAction, target: JobTarget): Promise<void> {
    const entry = { at: this.wall(), actor, action, ...target }
    let isAllowed = true
    try {
      if (this.authorize !== undefined) isAllowed = (await this.authorize(actor, action, target)) === true
    } catch (error) {
      this.record({ ...entry, isAllowed: false })
      throw error
    }
    this.record({ ...entry, isAllowed })
    if (!isAllowed) throw new NotAuthorizedError(actor, action)
  }
}
