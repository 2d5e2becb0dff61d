import { type OptionRule, option } from '../../shared/options.ts'

export interface FeedOptions {
  /**
   * Milliseconds that a feed may take; what takes longer is left out. Minimum: `1`.
   * @defaultValue 1000
   */
  readonly timeoutMs?: number
  /**
   * Samples of a family at the most; those of counters and histograms that are one too many are counted together. Minimum: `10`.
   * @defaultValue 1000
   */
  readonly maxSamples?: number
}

export const feedRules: Readonly<Record<keyof FeedOptions, OptionRule>> = {
  timeoutMs: option.number(1),
  maxSamples: option.integer(10),
}
