import { readFileSync } from 'node:fs'
import type { Terminal } from './top/terminal.ts'

/** Output of a command: data to `out`, everything else to `err`. */
export interface Output {
  out(text: string): void
  err(text: string): void
  /** Whether `out` is a terminal. */
  readonly isTerminal?: boolean
  /** Width of `out`, in characters. */
  readonly columns?: number
  /** Whether `err` is a terminal. */
  readonly isErrTerminal?: boolean
  /** Opens the full screen with its keys; `undefined` if there is none. */
  screen?(): Terminal
  /** Passes the signals that would end the command to `handle` instead. */
  onSignal?(handle: (signal: NodeJS.Signals) => void): void
}

/** A command of the command line. */
export interface Command {
  /** One line for the list of commands. */
  readonly summary: string
  /** Output of `--help`. */
  readonly help: string
  /** The arguments that are options of this command. Default: all. */
  optionsIn?(args: readonly string[]): readonly string[]
  /**
   * Runs the command with the arguments that follow its name.
   *
   * @returns The exit code.
   * @throws UsageError if an argument is invalid.
   */
  run(args: readonly string[], output: Output): number | Promise<number>
}

/** Exit codes of the process. */
export const EXIT = {
  ok: 0,
  /** `--fail-on` matched, or a change or a check failed. */
  failed: 1,
  usage: 2,
  /** Cannot connect to the database, the app or its dashboard. */
  unreachable: 3,
  /** The terminal was closed. */
  hungUp: 129,
  interrupted: 130,
  /** Terminated by SIGTERM. */
  terminated: 143,
} as const

/** An argument is invalid. The message contains the expected values. */
export class UsageError extends Error {
  override readonly name: string = 'UsageError'
}

/** A file, the database or the app rejects the value of an argument, so `--help` cannot help. */
export class InputError extends UsageError {
  override readonly name = 'InputError'
}

/** Whether `parseArgs` threw the error for an unknown argument. */
export function isParseError(error: unknown): error is Error {
  return (
    error instanceof Error &&
    String((error as { readonly code?: unknown }).code).startsWith('ERR_PARSE_ARGS_')
  )
}

interface NumberBounds {
  readonly least: number
  readonly most: number
  readonly isInteger?: boolean
  /** Default. */
  readonly otherwise: number
}

/** @throws UsageError */
export function numberOption(
  option: string,
  text: string | undefined,
  { least, most, isInteger, otherwise }: NumberBounds,
): number {
  if (text === undefined) return otherwise
  const value = text.trim() === '' ? Number.NaN : Number(text)
  if (value >= least && value <= most && (isInteger !== true || Number.isInteger(value))) return value
  throw new UsageError(
    `${option}: expected ${isInteger === true ? 'an integer' : 'a number'} from ${least} to ${most}, got "${text}"`,
  )
}

/** @throws UsageError */
export function oneOf<T extends string>(option: string, known: readonly T[], value: string): T {
  const found = known.find((name) => name === value)
  if (found === undefined) throw new UsageError(`${option}: expected ${known.join(', ')}, got "${value}"`)
  return found
}

/** Values of an option that can be repeated, and that can contain several values separated by commas. */
export function separated(values: readonly string[] | undefined): string[] {
  return (values ?? [])
    .flatMap((text) => text.split(','))
    .map((name) => name.trim())
    .filter((name) => name !== '')
}

/** Color options of every command, for `parseArgs`. */
export const colorOptions = {
  color: { type: 'boolean' },
  'no-color': { type: 'boolean' },
} as const

/** Value of the color options; `undefined` if neither is set. */
export function colorOf(values: {
  readonly color?: boolean | undefined
  readonly 'no-color'?: boolean | undefined
}): boolean | undefined {
  return values['no-color'] === true ? false : values.color
}

/** The version of this package. */
export function ownVersion(): string {
  // One level above both `src` and `dist`.
  const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
    readonly version: string
  }
  return version
}
