import type { OptionRule } from './options.ts'

/** Receives log lines: a logger with the methods of pino. `console` has them, too. */
export interface Logger {
  /** Omit it to ignore informational messages. */
  info?(details: object, message: string): void
  warn(details: object, message: string): void
  error(details: object, message: string): void
}

export const loggerRule: OptionRule = {
  expected: 'a logger with the methods warn(details, message) and error(details, message), such as pino()',
  accepts: (value) =>
    typeof (value as Partial<Logger> | null)?.warn === 'function' &&
    typeof (value as Partial<Logger>).error === 'function',
}
