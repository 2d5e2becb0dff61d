import type { JobWorld } from './job-world.ts'

/** A world that other processes can be in. */
export interface CrashWorld extends JobWorld {
  /** How another process gets what `connect()` gives here: the address of a module that exports a function `connect`, and what that is called with. */
  readonly child: { readonly module: string; readonly args: readonly string[] }
}
