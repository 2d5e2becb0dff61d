import { checkOptions, option } from '../../shared/options.ts'

export interface TrafficOptions {
  /**
   * Shapes of statements that are told apart. Of more, those that took the least time in total are counted together. Minimum: `1`.
   * @defaultValue 1000
   */
  readonly maxFingerprints?: number
  /**
   * Bytes for texts, bindings and call sites of all shapes, as an estimate. What took the least time leaves first. Minimum: `1024`.
   * @defaultValue 4194304
   */
  readonly maxBytes?: number
  /**
   * Keeps no value of the app's: no bindings, and of each text its shape, without the values that are written into it.
   * @defaultValue false
   */
  readonly redact?: boolean
}

export interface ResolvedTrafficOptions {
  readonly maxFingerprints: number
  readonly maxBytes: number
  readonly redact: boolean
}

const rules = { maxFingerprints: option.integer(1), maxBytes: option.integer(1024), redact: option.boolean }

/** @throws InvalidOptionError that names the first option that is unknown, of the wrong type, or out of bounds. */
export function checkTrafficOptions(options: TrafficOptions, prefix = ''): void {
  checkOptions(options, rules, prefix)
}

export function resolveTrafficOptions(options: TrafficOptions): ResolvedTrafficOptions {
  return { maxFingerprints: options.maxFingerprints ?? 1000, maxBytes: options.maxBytes ?? 4_194_304, redact: options.redact ?? false }
}
