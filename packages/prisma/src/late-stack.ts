import { captureStack } from '@sluice/core/adapter'

/**
 * The stack of a call for which Prisma captured none. Prisma runs calls only when they are awaited, and V8
 * knows the awaiting functions some microtasks later: the latest capture contains the most of them.
 */
export class LateStack {
  #taken: { readonly stack?: string } = {}

  take(): void {
    this.#taken = captureStack()
  }

  get stack(): string | undefined {
    return this.#taken.stack
  }
}
