import { checkOptions, type OptionRule, option } from '@sluice/core'

export interface ShutdownOptions {
  /**
   * Milliseconds between saying that nothing more is to be sent here (`/readyz` answers `503`) and taking nothing more: as long as the load balancer needs to
   * notice. Requests are answered as ever meanwhile. Minimum: `0`.
   * @defaultValue 5000
   */
  readonly drainDelayMs?: number
  /**
   * Milliseconds that requests under way have to end; then their connections are cut. Minimum: `0`.
   * @defaultValue 30000
   */
  readonly timeoutMs?: number
  /**
   * Signals that begin it; a second one cuts everything at once. None: only the call does.
   * @defaultValue ['SIGTERM', 'SIGINT']
   */
  readonly signals?: readonly NodeJS.Signals[]
  /**
   * Whether the process ends after a signal, when all is closed: with `0`, or with `1` where something was cut or failed.
   * @defaultValue true
   */
  readonly exit?: boolean
  /**
   * What the app closes itself, once no request is under way and before the Sluice is closed.
   * @defaultValue nothing
   */
  readonly close?: () => unknown
}

const signals: OptionRule = {
  expected: 'an array of names of signals',
  accepts: (value) => option.strings.accepts(value) && (value as readonly string[]).every((name) => /^SIG[A-Z0-9]+$/.test(name)),
}

/** @throws InvalidOptionError. */
export function resolveShutdownOptions(options: ShutdownOptions): Required<ShutdownOptions> {
  const { boolean, callback, number } = option
  checkOptions(options, { drainDelayMs: number(0), timeoutMs: number(0), signals, exit: boolean, close: callback })
  return {
    drainDelayMs: options.drainDelayMs ?? 5_000,
    timeoutMs: options.timeoutMs ?? 30_000,
    signals: options.signals ?? ['SIGTERM', 'SIGINT'],
    exit: options.exit ?? true,
    close: options.close ?? (() => undefined),
  }
}
