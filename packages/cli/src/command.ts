import type { Terminal } from './top/terminal.ts'

/** Where a command writes to: data to `out`, everything else to `err`. */
export interface Output {
  out(text: string): void
  err(text: string): void
  /** Whether `out` is a terminal. */
  readonly isTerminal?: boolean
  /** Characters in a line of it. */
  readonly columns?: number
  /** Whether `err` is a terminal. */
  readonly isErrTerminal?: boolean
  /** The whole screen, with its keys; `undefined` where there is none. */
  screen?(): Terminal
}

/** One word of the command line. */
export interface Command {
  /** What it does, in a line. */
  readonly summary: string
  /** How it is called. */
  readonly help: string
  /**
   * Runs it with the arguments after its name.
   *
   * @returns The exit code.
   * @throws UsageError where the arguments are wrong.
   */
  run(args: readonly string[], output: Output): number | Promise<number>
}
