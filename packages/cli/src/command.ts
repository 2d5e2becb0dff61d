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

/** What the process ends with. */
export const EXIT = {
  ok: 0,
  /** What `--fail-on` names was found. */
  failed: 1,
  usage: 2,
  /** The database, or what else was to be asked, such as a dashboard, cannot be reached. */
  unreachable: 3,
  /** The terminal is gone. */
  hungUp: 129,
  interrupted: 130,
  /** By SIGTERM. */
  terminated: 143,
} as const

/** The arguments are wrong; the message says what was expected. */
export class UsageError extends Error {
  override readonly name: string = 'UsageError'
}

/** What `parseArgs` throws at arguments that it does not know. */
export function isParseError(error: unknown): error is Error {
  return error instanceof Error && String((error as { readonly code?: unknown }).code).startsWith('ERR_PARSE_ARGS_')
}
