import { hostname } from 'node:os'
import { checkOptions, type OptionRule, option } from '../../shared/options.ts'

/** A server whose connections are counted: one of `node:http`, `node:https`, `node:net`. */
export interface CountedServer {
  getConnections(callback: (error: Error | null, count: number) => void): unknown
}

export interface CollectOptions {
  /**
   * Milliseconds between two looks. Minimum: `100`.
   * @defaultValue 5000
   */
  readonly intervalMs?: number
  /**
   * Source of the recorded values: 1 to 200 characters.
   * @defaultValue the machine's host name
   */
  readonly source?: string
  /**
   * Path on the measured disk. `false`: no disk is measured.
   * @defaultValue the working directory
   */
  readonly diskPath?: string | false
  /**
   * Servers whose connections are counted together.
   * @defaultValue none
   */
  readonly servers?: readonly CountedServer[]
}

export type ResolvedCollectOptions = Required<CollectOptions>

const text = (max: number): OptionRule => ({
  expected: `a string of 1 to ${max} characters`,
  accepts: (value) => typeof value === 'string' && value !== '' && value.length <= max,
})

const rules: Readonly<Record<keyof CollectOptions, OptionRule>> = {
  // Longer than what a timer can wait, it would be none.
  intervalMs: option.number(100, 2_147_483_647),
  source: text(200),
  diskPath: option.either(option.false, text(4_096)),
  servers: {
    expected: 'an array of servers',
    accepts: (value) =>
      Array.isArray(value) &&
      value.every((one) => typeof (one as CountedServer | null)?.getConnections === 'function'),
  },
}

/** @throws InvalidOptionError. */
export function checkCollectOptions(options: CollectOptions, prefix = ''): void {
  checkOptions(options, rules, prefix)
}

/** @throws InvalidOptionError. */
export function resolveCollectOptions(options: CollectOptions): ResolvedCollectOptions {
  checkCollectOptions(options)
  const {
    intervalMs = 5_000,
    source = hostname().slice(0, 200) || 'local',
    diskPath = process.cwd(),
    servers = [],
  } = options
  return { intervalMs, source, diskPath, servers }
}
