import type { JobWorld } from './job-world.ts'

/** A world that other processes can join. */
export interface CrashWorld extends JobWorld {
  /**
   * How another process gets the same backend as `connect()` here: the URL of a module that exports a
   * function `connect`, and the arguments of that function.
   */
  readonly child: { readonly module: string; readonly args: readonly string[] }
}
