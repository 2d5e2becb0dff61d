import type { OptionRule } from './options.ts'

/** What log lines are given to: a logger of pino's shape. `console` has it, too. */
export interface Logger {
  /** Where it is left out, what is no more than news is not told. */
  info?(details: object, message: string): void
  warn(details: object, message: string): void
  error(details: object, message: string): void
}

export const loggerRule: OptionRule = {
  expected: 'a logger with the methods warn(details, message) and error(details, message), such as pino()',
  accepts: (value) =>
    typeof (value as Partial<Logger> | null)?.warn === 'function' && typeof (value as Partial<Logger>).error === 'function',
}
